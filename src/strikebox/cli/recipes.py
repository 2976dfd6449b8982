"""`strikebox recipes list` and `strikebox recipes show`."""

import typer

from strikebox.cli import options

app = typer.Typer(help="The recipes that come with Strikebox.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_recipes(json: options.Json = False) -> None:
    """Names and what they do."""
    from strikebox import recipe
    from strikebox.cli import console

    known = [recipe.load(name) for name in recipe.shipped()]
    if json:
        fields = ("name", "title", "description", "arm", "control_of", "hash")
        console.print_json({"recipes": [{field: getattr(r, field) for field in fields} for r in known]})
        return
    width = max(len(r.name) for r in known)
    for r in sorted(known, key=lambda r: (r.control_of is not None, r.arm is None, r.arm or "")):
        print(f"{r.arm or ' '}  {r.name:{width}}  {r.description or r.title}")


@app.command("show")
def show_recipe(recipe: options.RecipeName, json: options.Json = False) -> None:
    """The TOML of a recipe."""
    from strikebox import recipe as recipes
    from strikebox.cli import console

    chosen = recipes.load(recipe)
    text = recipes.dumps(chosen)
    if json:
        console.print_json({"name": chosen.name, "hash": chosen.hash, "toml": text})
    else:
        print(text, end="")
