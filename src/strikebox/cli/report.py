"""`strikebox report`."""

from strikebox.cli import options


def report(
    run: options.RunPath, price: options.Price = options.DOLLARS_PER_HOUR, json: options.Json = False
) -> None:
    """Write the report of RUN again, finished or not; with the verdict, where RUN was measured."""
    from strikebox import api
    from strikebox.cli import console
    from strikebox.lab.verdict import export

    opened = api.open_run(run)
    if (run / export.VERDICT).exists():
        from strikebox import measuring

        with console.looking(quiet=json) as on_progress:
            chosen = measuring.Options(dollars_per_hour=price)
            _, path = measuring.judge_run(opened, chosen, on_progress)
    else:
        path = api.write_report(opened, price)
    if json:
        console.print_json({"report": str(path)})
    else:
        print(path)
