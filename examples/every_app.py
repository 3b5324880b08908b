"""Build every app of the catalogue, validate it, run its samples on every installed engine, and check the results.

One row for each app: its class, the latency of each engine, its quality if it contains labelled samples, and
whether its predictions for well-known pictures are right.  Apps that cannot be fetched here are skipped, with the
reason.  The exit status is 1 if one fails.

Run: python examples/every_app.py [NAME ...]
"""

# ruff: noqa: PLR2004 - numbers are the expected values for well-known pictures

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lpbench

Found = Mapping[str, Any]
"""An app's prediction for one sample."""
Look = Callable[[Mapping[str, Found]], tuple[bool, str]]
"""Checks the predictions by sample; returns whether they are right, and a description."""

NUMBER, RUNS = 24, 3
"""Enough for a check; ``lpbench run NAME`` measures until the number is known."""


def near(found: Sequence[float], x: float, y: float, most: float) -> bool:
    """Return whether a point is within ``most`` pixels of its expected position in both directions."""
    return abs(found[0] - x) <= most and abs(found[1] - y) <= most


def best(**labels: str) -> Look:
    """Expect the best label of each sample."""

    def look(found: Mapping[str, Found]) -> tuple[bool, str]:
        seen = {name: each["top"][0] for name, each in found.items() if name.partition(".")[0] in labels}
        right = [each["label"] == labels[name.partition(".")[0]] for name, each in seen.items()]
        return all(right) and len(right) == len(labels), words(seen.values())

    return look


def things(**labels: str) -> Look:
    """Expect an object with this label in each sample."""

    def look(found: Mapping[str, Found]) -> tuple[bool, str]:
        seen = [
            thing
            for name, each in found.items()
            for thing in each["items"]
            if thing["label"] == labels.get(name.partition(".")[0])
        ]
        return len(seen) >= len(labels), words(seen)

    return look


def words(seen: Iterable[Found]) -> str:
    """Return labels and scores as a text."""
    return ", ".join(f"{each['label']} {each['score']:.2f}" for each in seen)


def mesh(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect one face with 468 points and the tip of the nose in the right place."""
    (face,) = found["astronaut.png"]["mesh"]
    nose = face["points"][1]
    right = face["score"] > 0.99 and len(face["points"]) == 468 and near(nose, 223, 129, 8)
    return right, f"flag {face['score']:.2f}, nose at {nose[0]:.0f}, {nose[1]:.0f}"


def irises(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect both irises in the right place."""
    (face,) = found["astronaut.png"]["mesh"]
    first, second = (eye["iris"] for eye in face["iris"])
    right = near(first, 203.4, 100.9, 2) and near(second, 246.4, 103.3, 2)
    return right, f"irises at {first[0]:.1f}, {first[1]:.1f} and {second[0]:.1f}, {second[1]:.1f}"


def pose(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect a head that faces the camera, slightly tilted."""
    (head,) = found["astronaut.png"]["pose"]
    right = abs(head["yaw"]) < 8 and 0 < head["roll"] < 8
    return right, ", ".join(f"{name} {head[name]:.1f}°" for name in ("yaw", "pitch", "roll"))


def mood(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect a happy face."""
    (face,) = found["astronaut.png"]["emotion"]
    return face["top"][0]["label"] == "happy", words(face["top"][:1])


def vector(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect one face with a vector of length 1, and no face where there is none."""
    (face,) = found["astronaut.png"]["embedding"]
    length = sum(value**2 for value in face["embedding"]) ** 0.5
    right = abs(length - 1) < 1e-3 and found["china.jpg"]["embedding"] == []
    return right, f"{len(face['embedding'])} numbers, length {length:.3f}"


def person(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect a woman of about 33."""
    (face,) = found["astronaut.png"]["age-gender"]
    right = face["gender"]["label"] == "female" and abs(face["age"] - 33) < 3
    return right, f"{face['gender']['label']}, {face['age']:.0f}"


def body(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect a body with the nose in the right place."""
    (person,) = found["astronaut.png"]["items"]
    nose = person["points"][0]
    return near(nose, 221, 120, 5), f"nose at {nose[0]:.0f}, {nose[1]:.0f}, score {person['scores'][0]:.2f}"


def people(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect the astronaut to fill about half of the picture."""
    share = found["astronaut.png"]["share"]["person"]
    return 0.45 < share < 0.65, f"person {share:.0%}"


def text(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect seven lines; the quality shows whether their texts are right."""
    lines = found["page.png"]["recognition"]
    return len(lines) == 7, f"{len(lines)} lines, first: {lines[0]['text']}"


def nothing(found: Mapping[str, Found]) -> tuple[bool, str]:
    """Expect nothing."""
    return bool(found), "random weights"


FACE = things(astronaut="face")
IMAGENET = best(chelsea="Egyptian Mau", coffee="espresso", china="palace")
KNOWN: Mapping[str, Look] = {
    "imagenet-mobilenet-v2": IMAGENET,
    "imagenet-efficientnet-lite0": IMAGENET,
    "nanodet-coco": things(astronaut="person", chelsea="cat", coffee="cup"),
    "ssd-mobilenet-v2-oid": things(astronaut="Person", chelsea="Cat", coffee="Coffee cup"),
    "blazeface-short": FACE,
    "blazeface-back": FACE,
    "blazeface-full": FACE,
    "face-landmarks": mesh,
    "eye-gaze": irises,
    "head-pose": pose,
    "emotion": mood,
    "face-recognition": vector,
    "age-gender": person,
    "movenet-lightning": body,
    "selfie-segmentation": people,
    "ppocr-v6": text,
    "digits-mlp": best(**{str(1297 + at): str(digit) for at, digit in enumerate((0, 1, 2, 3))}),
    "alexnet-random": nothing,
    "efficientnet-b0-random": nothing,
    "googlenet-random": nothing,
    "mobilenet-random": nothing,
    "mobilenet-v3-large-random": nothing,
    "mobilenet-v3-small-random": nothing,
    "resnet18-random": nothing,
    "resnet50-random": nothing,
    "squeezenet-random": nothing,
}
"""The check for each app; an app that is not listed is only run."""
LEAST: Mapping[str, float] = {"blazeface-short": 0.99, "blazeface-back": 0.99, "digits-mlp": 0.92}
"""Smallest acceptable quality by app."""


def built(name: str) -> Path:
    """Fetch, build and check an app; return its folder.

    :raises LpbenchError: The app cannot be fetched or built, or is invalid.
    """
    folder = lpbench.pull(name)
    problems = [problem for problem in lpbench.validate(folder) if not problem.note]
    if problems:
        raise lpbench.LpbenchError(str(problems[0]))
    return folder


def measured(folder: Path) -> list[lpbench.Configuration]:
    """Run an app on its samples and return the configurations of all engines, including those that could not run it.

    :raises LpbenchError: No engine ran it.
    """
    result = lpbench.benchmark(folder, engine="all", number=NUMBER, runs=RUNS, yardstick=False)
    if not any(each.measured for each in result.configurations):
        raise lpbench.LpbenchError(result.configurations[0].state)
    return list(result.configurations)


def qualities(folder: Path) -> dict[str, Found]:
    """Return the quality by engine, for an app with labelled samples."""
    if not (folder / "labelled").is_dir():
        return {}
    result = lpbench.benchmark(folder, engine="all", number=8, runs=1, quality=True, yardstick=False)
    return {each.engine: each.quality for each in result.configurations if each.measured}


def looked_at(name: str, predictions: Sequence[Found]) -> tuple[bool, str]:
    """Return whether predictions pass the app's check, and a description of them."""
    try:
        return KNOWN.get(name, nothing)({each["sample"]: each for each in predictions})
    except (KeyError, IndexError, ValueError) as error:
        return False, f"unexpected predictions: {error!r}"


def judged(name: str, quality: Found) -> tuple[bool, str]:
    """Return whether a quality is acceptable, and a description of it."""
    value = quality.get("value")
    if value is None:
        return False, f"no quality: {quality.get('reason', 'the run failed')}"
    passes = quality["gate"].get("passes", True) and value >= LEAST.get(name, 0)
    return passes, f"{quality['metric']} {value:.3f} of {quality['n']}"


def speed(configuration: lpbench.Configuration) -> str:
    """Return an engine and its latency as a text."""
    latency = configuration.latency
    width = (latency.interval.upper - latency.interval.lower) / 2 if latency.interval else 0
    return f"{configuration.engine} {latency.value:.3g} ±{width:.2g} ms"


def row(name: str) -> bool:
    """Build, check and run an app and print its row; return whether it passes."""
    try:
        folder = built(name)
        found, quality = measured(folder), qualities(folder)
    except lpbench.LpbenchError as error:
        print(f"{name:28} FAILED  {error}", flush=True)
        return False
    ran = [each for each in found if each.measured]
    looks = [looked_at(name, each.predictions) for each in ran] + [judged(name, each) for each in quality.values()]
    fine = all(right for right, _ in looks)
    descriptions = dict.fromkeys(words for right, words in looks if not right or fine)
    others = ", ".join(each.engine for each in found if not each.measured)
    print(f"{name:28} {'ok' if fine else 'FAILED':7} {lpbench.load_app(folder).app_class:21} {'; '.join(descriptions)}")
    print(f"{'':36} {'; '.join(map(speed, ran))}{f'; not on {others}' if others else ''}", flush=True)
    return fine


def main(names: list[str]) -> int:
    """Check the named apps, by default the whole catalogue."""
    listed = lpbench.apps()
    fine = True
    for name in names or sorted(listed):
        entry = listed[name]
        if not entry.availability and not entry.folder:
            print(f"{name:28} skipped: {entry.availability.reason}; {entry.availability.hint}")
            continue
        fine = row(name) and fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
