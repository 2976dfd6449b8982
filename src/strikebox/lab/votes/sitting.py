"""One rater before a run's pictures: what they are shown, what they answer, what they take back."""

import io
import time
from dataclasses import dataclass, field
from typing import final

import numpy as np
from PIL import Image

from strikebox import png
from strikebox.errors import RunError
from strikebox.lab.run import Run
from strikebox.lab.votes.ballots import Ballot, BallotBox, Choice, new_id, now
from strikebox.lab.votes.pairs import Pair, Pictures, Showing, all_pairs, next_showing, showings

QUESTION = "Which picture shows “{subject}” better?"
HINT = "Is it all there, and drawn right? Style, colours and background do not count."


@dataclass(frozen=True, slots=True)
class Question:
    """A pair as the page has it: nothing in it tells which recipe made which picture."""

    token: str  # names the question in an answer
    subject: str
    left: str  # names of the pictures, good for this question alone
    right: str


@final
@dataclass(slots=True)
class Sitting:
    """The votes of one rater on one run; what they have voted before counts. `begin` makes one."""

    run: Run
    rater: str
    generator: np.random.Generator
    pictures: Pictures
    pairs: tuple[Pair, ...]
    _showing: Showing | None = None
    _question: Question | None = None
    _since: float = 0.0
    _names: dict[str, str] = field(
        default_factory=dict[str, str]
    )  # of the question's pictures -> the store's

    @classmethod
    def begin(cls, run: Run, generator: np.random.Generator, rater: str) -> "Sitting":
        """Raises RunError where no two finished pictures can be compared, or where votes are damaged."""
        rows = run.table().iter_rows(named=True)
        pictures = {(r["recipe"], r["subject"], r["seed"]): r["sha256"] for r in rows if r["sha256"]}
        sitting = cls(run, rater, generator, pictures, all_pairs(pictures))
        if not sitting.pairs:
            raise RunError(
                f"{run.folder.path} has no two recipes to compare; finish the run, or give another"
            )
        sitting.ballots()
        return sitting

    @property
    def total(self) -> int:
        """Votes that the rater is asked for in all."""
        return showings(self.pairs)

    def ballots(self) -> tuple[Ballot, ...]:
        """The rater's votes so far."""
        return tuple(b for b in BallotBox(self.run.folder.path).ballots() if b.rater == self.rater)

    def question(self) -> Question | None:
        """What to answer now, the same until it is answered; None where all is done."""
        if self._question is None:
            self._show(next_showing(self.pairs, self.ballots(), self.generator))
        return self._question

    def answer(self, token: str, choice: Choice) -> None:
        """Keep a vote. An answer to another question than the present one changes nothing: a second click."""
        if self._question is None or self._showing is None or token != self._question.token:
            return
        showing, seconds = self._showing, time.monotonic() - self._since
        ballot = Ballot(
            id=new_id(),
            rater=self.rater,
            question=f"{QUESTION} {HINT}",
            subject=showing.subject,
            seed=showing.seed,
            left=showing.left,
            right=showing.right,
            choice=choice,
            repeat_of=showing.repeat_of,
            seconds=round(seconds, 2),
            at=now(),
        )
        BallotBox(self.run.folder.path).cast(ballot)
        self._show(None)

    def undo(self) -> None:
        """Take the last vote back and ask it again; changes nothing where there is none."""
        cast = self.ballots()
        if not cast:
            return
        last = cast[-1]
        BallotBox(self.run.folder.path).undo(last)
        self._show(Showing(last.subject, last.seed, last.left, last.right, last.repeat_of))

    def picture(self, name: str) -> bytes | None:
        """The PNG that the present question calls `name`, without the text that tells how it was made.

        Raises StoreError where it is damaged.
        """
        if (stored := self._names.get(name)) is None:
            return None
        buffer = io.BytesIO()
        Image.fromarray(png.decode(self.run.folder.pictures.get(stored)).pixels).save(buffer, "PNG")
        return buffer.getvalue()

    def _show(self, showing: Showing | None) -> None:
        self._showing, self._question, self._names = showing, None, {}
        if showing is None or not self._has_pictures(showing):
            return
        self._question = Question(new_id(), showing.subject, new_id(), new_id())
        for name, recipe in ((self._question.left, showing.left), (self._question.right, showing.right)):
            self._names[name] = self.pictures[recipe, showing.subject, showing.seed]
        self._since = time.monotonic()

    def _has_pictures(self, showing: Showing) -> bool:
        """Not where one was deleted after the vote that is taken back."""
        recipes = (showing.left, showing.right)
        return all((recipe, showing.subject, showing.seed) in self.pictures for recipe in recipes)
