"""Derive, generate, render, check and train one spec, and say where each result lies."""

from __future__ import annotations

import argparse
from pathlib import Path

from symbackprop.commands import check as checking
from symbackprop.commands import options as common
from symbackprop.commands import train as training
from symbackprop.errors import CallError

SUMMARY = "all of it, one after the other"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="DIR", help="default: runs/NAME")


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline
    from symbackprop.training import read_plan

    spec = pipeline.load(options.spec)
    plan = read_plan(spec)
    directory = Path(options.o or Path("runs") / spec.name)

    _heading("derive", spec.title or spec.name)
    derivation = pipeline.derive(spec)
    print(pipeline.show(derivation).rstrip("\n"))

    _heading("generate", "the NumPy module and its test")
    for path in pipeline.generate(derivation, directory):
        print(path)

    _heading("render", "the derivation with its steps")
    for ending in pipeline.ENDINGS:
        path = directory / f"{spec.name}{ending}"
        try:
            print(pipeline.render(derivation, path))
        except CallError as fault:  # as where there is no TeX
            print(f"{path} is left out: {fault.message}")

    _heading("check", "every step, every gradient, the module")
    report = pipeline.check(derivation, spec)
    checking.show(report)

    rules = ", ".join(dict.fromkeys(str(rule.optimizer) for rule in plan.rules.values()))
    _heading("train", f"{rules}, seed {plan.seed}")
    outcome = training.train(spec, plan, directory, resume=False, generated={})
    if outcome.interrupted:
        return 130
    print(f"\nEverything lies in {directory}/")
    return 0 if report else 1


def _heading(stage: str, what: str) -> None:
    print(f"\n── {stage}: {what}")
