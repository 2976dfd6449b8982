"""`strikebox report`."""

from strikebox.cli import options


def report(
    run: options.RunPath, price: options.Price = options.DOLLARS_PER_HOUR, json: options.Json = False
) -> None:
    """Write the report of RUN again, finished or not."""
    from strikebox import api
    from strikebox.cli import console

    path = api.write_report(api.open_run(run), price)
    if json:
        console.print_json({"report": str(path)})
    else:
        print(path)
