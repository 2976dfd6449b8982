"""What the API takes and gives, as OpenAPI describes it."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from strikebox.generation.plan import MOST_SEED
from strikebox.jobs import State
from strikebox.site.budget import Today
from strikebox.site.failures import Code, told
from strikebox.site.pictures import Page, Picture
from strikebox.site.progress import Progress
from strikebox.site.reports import LONGEST_TEXT, Reason
from strikebox.site.words import words

Text = Annotated[str, Field(max_length=2000)]
Seed = Annotated[int, Field(ge=0, le=MOST_SEED, strict=True)]


class _Given(BaseModel):
    """What a program sends: unknown fields are mistakes, and told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class JobOrder(_Given):
    """A picture to be made."""

    subject: Annotated[Text, Field(description="What to draw: 1 to 200 characters.", examples=["cat"])]
    seed: Annotated[Seed | None, Field(description="The same subject and seed give the same picture.")] = None
    altcha: Annotated[Text, Field(description="A solved challenge, where one is asked for.")] = ""


class ReportOrder(_Given):
    """What is wrong with a picture."""

    reason: Reason
    text: Annotated[str, Field(max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")] = ""


class JobLinks(_Answer):
    """Where a job is looked at."""

    self: str
    page: str
    picture: str | None  # of a done one


class JobAnswer(_Answer):
    """How a job stands."""

    id: str
    state: State
    ahead: Annotated[int | None, Field(description="Jobs before it; null: it does not wait.")]
    seconds_left: Annotated[float | None, Field(description="Until it is done; null: nobody knows.")]
    seconds_error: Annotated[
        float | None, Field(description="By which seconds_left is wrong at most, nine times of ten.")
    ]
    steps_done: int
    steps: Annotated[int | None, Field(description="null: not known yet.")]
    picture: Annotated[str | None, Field(description="Id of the picture, once it is published.")]
    problem: Annotated[str | None, Field(description="Why a failed job failed, and what to do.")]
    problem_code: Annotated[Code | None, Field(description="The same as a code that never changes.")]
    links: JobLinks

    @classmethod
    def of(cls, progress: Progress, base: str) -> Self:
        picture, failure = progress.picture, progress.failure
        return cls(
            id=progress.id,
            state=progress.state,
            ahead=progress.ahead,
            seconds_left=progress.seconds_left,
            seconds_error=progress.error,
            steps_done=progress.steps_done,
            steps=progress.steps,
            picture=picture,
            problem=failure and told(failure, words("en")),
            problem_code=failure,
            links=JobLinks(
                self=f"{base}/api/v1/jobs/{progress.id}",
                page=f"{base}/jobs/{progress.id}",
                picture=None if picture is None else f"{base}/api/v1/pictures/{picture}",
            ),
        )


class PictureLinks(_Answer):
    """Where a picture and its files are."""

    self: str
    page: str
    png: str
    thumbnail: str
    double: str | None  # of one that was enlarged


class Cost(_Answer):
    """What a picture took, as it was measured."""

    forwards: int
    flops: int
    seconds: float
    dollars: float


class PictureAnswer(_Answer):
    """A published picture."""

    id: str
    subject: str
    prompts: Annotated[tuple[str, ...], Field(description="One a pass of the recipe.")]
    seed: int
    recipe: str
    recipe_hash: str
    model: dict[str, str | None]
    width: Annotated[int, Field(description="Pixels.")]
    height: int
    created: datetime
    votes: int
    hall: Annotated[datetime | None, Field(description="When it entered the Hall of Fame.")]
    cost: Cost
    links: PictureLinks

    @classmethod
    def of(cls, picture: Picture, base: str) -> Self:
        page = f"{base}/pictures/{picture.id}"
        return cls(
            id=picture.id,
            subject=picture.subject,
            prompts=picture.prompts,
            seed=picture.seed,
            recipe=picture.recipe,
            recipe_hash=picture.recipe_hash,
            model=dict(picture.model),
            width=picture.width,
            height=picture.height,
            created=_time(picture.created),
            votes=picture.votes,
            hall=None if picture.hall is None else _time(picture.hall),
            cost=Cost(
                forwards=picture.forwards,
                flops=picture.flops,
                seconds=picture.seconds,
                dollars=picture.dollars,
            ),
            links=PictureLinks(
                self=f"{base}/api/v1/pictures/{picture.id}",
                page=page,
                png=f"{page}.png",
                thumbnail=f"{page}/thumbnail.webp",
                double=f"{page}/double.png" if picture.enlarged else None,
            ),
        )


class PagesAnswer(_Answer):
    """Some pictures."""

    pictures: list[PictureAnswer]
    after: Annotated[str | None, Field(description="Ask for what follows with this; null: that was all.")]

    @classmethod
    def of(cls, page: Page, base: str) -> Self:
        return cls(pictures=[PictureAnswer.of(one, base) for one in page.pictures], after=page.after)


class VoteAnswer(_Answer):
    """A picture's votes after yours."""

    votes: int


class ReportAnswer(_Answer):
    """A report that a person will look at."""

    id: int


class BudgetAnswer(_Answer):
    """The day's money, in dollars."""

    limit: float
    spent: float
    reserved: Annotated[float, Field(description="For pictures that wait or are being made.")]
    left: float
    opens_at: Annotated[datetime, Field(description="When the next day's budget begins.")]

    @classmethod
    def of(cls, today: Today) -> Self:
        return cls(
            limit=today.limit,
            spent=today.spent,
            reserved=today.reserved,
            left=today.left,
            opens_at=_time(today.opens_at),
        )


class ChallengeAnswer(_Answer):
    """A sum to do before an order: find the number for which SHA-256(salt + number) is the challenge."""

    required: Annotated[bool, Field(description="Whether an order from you must bring it now.")]
    algorithm: Literal["SHA-256"]
    challenge: str
    maxnumber: int
    salt: str
    signature: str


class ProblemError(_Answer):
    """A field that is wrong."""

    where: str
    what: str


class ProblemAnswer(_Answer):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: Annotated[str, Field(description="Never changes its meaning.")]
    instance: str
    detail: str | None = None
    retry_after: Annotated[float | None, Field(description="Seconds.")] = None
    reference: Annotated[str | None, Field(description="By which the operator finds it.")] = None
    errors: list[ProblemError] | None = None


class OpenaiError(_Answer):
    """What went wrong, as OpenAI says it."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenaiAnswer(_Answer):
    """An error as OpenAI's clients read it."""

    error: OpenaiError


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
