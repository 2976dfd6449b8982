"""Extractors, pictures and models put together: a run judged, a checklist gathered, a LoRA audited."""

from strikebox.measuring.runs import Options, eyes, find_references, judge_run, load_instruments

__all__ = ["Options", "eyes", "find_references", "judge_run", "load_instruments"]
