"""The judges that a project file names, and what it takes to build them."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from judgekit._digest import digest
from judgekit.errors import UsageError
from judgekit.exchange import Client
from judgekit.factory.cards import agreement_of, weight_of, with_card
from judgekit.factory.models import Asked, Functions, destination, grader_of
from judgekit.files.project import (
    PROJECT,
    CascadeSpec,
    ModelSpec,
    PanelSpec,
    Project,
    SamplesSpec,
    SwapSpec,
    read_project,
)
from judgekit.grader import BaseGrader
from judgekit.judges import Cascade, Judge, Panel, SelfConsistency, Swapped
from judgekit.rubric import Rubric
from judgekit.rubric.nearest import did_you_mean

MAX_MODELS = 100
SAMPLED = 0.7  # temperature of samples where nobody states one, as in arXiv:2203.11171


def named_judge(
    name: str,
    rubric: Rubric,
    checks: Functions | None = None,
    *,
    connections: int = 256,
    project: str | Path = PROJECT,
    client: Callable[[Asked], Client] | None = None,
    **stated: Any,
) -> BaseGrader:
    """Build a judge of the project file.

    Parameters
    ----------
    name : str
    rubric : Rubric
    checks : mapping of str to callable, optional
        Functions for checks of the rubric, before those that the file names.
    connections : int
        Calls under way at once at most, for each model.
    project : path
    client : callable, optional
        Gives the client of a model in place of the real one.
    **stated
        `timeout` and `attempts`, for models that the file does not say them of.

    Raises
    ------
    InputError
        If the file is missing or breaks its format.
    UsageError
        If it has no such judge, or the judge cannot be built.
    """
    return _Builder(read_project(project), rubric, checks or {}, connections, client, stated).built(name, ())


def named_destinations(name: str, project: str | Path = PROJECT) -> list[str]:
    """Name the hosts that a judge of the project file sends items to, before anything else is done."""
    read = read_project(project)
    return list(
        dict.fromkeys(host for one in _models(read, name) if (host := destination(one.model, one.base_url)))
    )


def named_models(name: str, project: str | Path = PROJECT, **stated: Any) -> list[Asked]:
    """Give every model that a judge of the project file asks, each once, as the file says it is asked.

    Parameters
    ----------
    name : str
    project : path
    **stated
        `timeout` and `attempts`, for models that the file does not say them of.
    """
    models = [_asked(one, stated) for one in _models(read_project(project), name)]
    return list(dict.fromkeys(models))


def _asked(spec: ModelSpec, stated: dict[str, Any], **more: Any) -> Asked:
    given = spec.model_dump(exclude_none=True, exclude={"checks", "calibration"})
    if "price" in given:
        given["price"] = tuple(given["price"])
    return Asked(**{**stated, **given, **more})


def _models(project: Project, name: str) -> Iterator[ModelSpec]:
    """Give the models of a judge; UsageError if there are more than any run would ask."""
    for number, one in enumerate(_all_models(project, name, ())):
        if number >= MAX_MODELS:
            raise UsageError(f"{project.path}: the judge {name!r} asks over {MAX_MODELS} models for one item")
        yield one


def _all_models(project: Project, name: str, above: tuple[str, ...]) -> Iterator[ModelSpec]:
    spec = _spec(project, name, above)
    if isinstance(spec, ModelSpec):
        yield spec
    for member in _members(spec):
        yield from _all_models(project, member, (*above, name))


def _members(spec: Any) -> tuple[str, ...]:
    if isinstance(spec, SamplesSpec):
        return (spec.of,)
    if isinstance(spec, SwapSpec):
        return (spec.swap,)
    return (
        spec.panel if isinstance(spec, PanelSpec) else spec.cascade if isinstance(spec, CascadeSpec) else ()
    )


def _spec(project: Project, name: str, above: tuple[str, ...]) -> Any:
    """Find what a name stands for: a judge of the file, or a model."""
    if name in above:
        raise UsageError(
            f"{project.path}: the judge {name!r} is made of itself: {' > '.join([*above, name])}"
        )
    if name in project.judges:
        return project.judges[name]
    if above and "/" in name:
        return ModelSpec(model=name)
    known = ", ".join(project.judges)
    raise UsageError(f"{project.path} names no judge {name!r} ({known}){did_you_mean(name, project.judges)}")


class _Builder:
    """Builds the judges of one project for one rubric."""

    def __init__(
        self,
        project: Project,
        rubric: Rubric,
        checks: Functions,
        connections: int,
        client: Callable[[Asked], Client] | None,
        stated: dict[str, Any],
    ) -> None:
        self.project, self.rubric, self.checks = project, rubric, checks
        self.connections, self.client, self.stated = connections, client, stated

    def built(self, name: str, above: tuple[str, ...], temperature: float | None = None) -> BaseGrader:
        if not above:
            list(_models(self.project, name))
        spec = _spec(self.project, name, above)
        inside = (*above, name)
        grader: BaseGrader
        if isinstance(spec, ModelSpec):
            grader = self._single(spec, temperature)
        elif isinstance(spec, SamplesSpec):
            grader = self._samples(spec, inside)
        else:
            members = [self.built(member, inside, temperature) for member in _members(spec)]
            grader = self._composed(spec, members)
        return with_card(grader, self.project.beside(spec.calibration)) if spec.calibration else grader

    def _single(self, spec: ModelSpec, temperature: float | None) -> BaseGrader:
        more = {} if temperature is None else {"temperature": temperature}
        asked = _asked(spec, self.stated, connections=self.connections, **more)
        wanted = {c.check.python for c in self.rubric.criteria if c.check is not None}
        named = {key: _function(self.project, place) for key, place in spec.checks.items() if key in wanted}
        client = None
        if self.client is not None and destination(asked.model, asked.base_url):
            client = self.client(asked)
        return grader_of(self.rubric, asked, {**named, **self.checks} or None, client)

    def _samples(self, spec: SamplesSpec, inside: tuple[str, ...]) -> SelfConsistency:
        of = _spec(self.project, spec.of, inside)
        stated = spec.temperature or getattr(of, "temperature", None)
        judge = self.built(spec.of, inside, SAMPLED if stated is None else stated)
        if not isinstance(judge, Judge):
            raise UsageError(
                f"{self.project.path}: samples are asked of one model on a server; {spec.of!r} is none"
            )
        return SelfConsistency(judge, spec.samples, spec.by)

    def _composed(self, spec: Any, members: list[BaseGrader]) -> BaseGrader:
        if isinstance(spec, SwapSpec):
            return Swapped(members[0])
        if isinstance(spec, CascadeSpec):
            if isinstance(spec.below, str):
                return Cascade(members, agreement_of(self.project.beside(spec.below), members[-1]))
            return Cascade(members, spec.below)
        weights = None
        if spec.weights is not None:
            if len(spec.weights) != len(members):
                raise UsageError(
                    f"{len(spec.weights)} weights for {len(members)} judges; give each judge one"
                )
            weights = [
                weight_of(self.project.beside(one), member) if isinstance(one, str) else one
                for one, member in zip(spec.weights, members, strict=True)
            ]
        return Panel(members, weights, spec.by)


def _function(project: Project, place: str) -> Callable[..., Any]:
    """Load a function that the project names: ``FILE.py:NAME`` beside it, or ``module:NAME``."""
    source, colon, name = place.rpartition(":")
    if not colon or not source or not name.isidentifier():
        raise UsageError(f"{project.path}: {place!r} is no function; write FILE.py:NAME or module:NAME")
    try:
        if source.endswith(".py"):
            path = project.beside(source)
            name_of = f"_checks_of_{digest(str(path.resolve()))[7:23]}_{path.stem}"
            found = spec_from_file_location(name_of, path)
            if found is None or found.loader is None:
                raise ImportError(f"{path} is no Python file")
            module = module_from_spec(found)
            # Dataclasses and the text of a function are looked up by the module's name.
            sys.modules[found.name] = module
            found.loader.exec_module(module)
        else:
            module = import_module(source)
        return getattr(module, name)  # type: ignore[no-any-return]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file that ends the program ends this run with a reason
        raise UsageError(
            f"{project.path}: {place} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
