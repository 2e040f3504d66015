#!/usr/bin/env python3
"""Runs BIN on models that public packages make, and compares each with an independent executor.

  zoo.py --bin target/release/xnorforge [--only PATTERN...] [--images 10] [--jobs 2] [--table docs/models.md]
  zoo.py --make [--only PATTERN...]               makes the models and runs their executors only
  zoo.py --list [--only PATTERN...]               names the models

Environments (scripts/check/zoo_models/*.txt; Python 3.11, some GB, from PyPI), models with their images and the
executor's outputs, and what is known of a binary are kept under --cache, and a second call goes on from there. A model
is made anew when its maker changes, and run anew when it or the binary changes. The table has all that is known of a
binary, so that engines may be run in several calls. The script itself needs NumPy.
Weights are random, seeds fixed; batch norms and activation scales have the statistics of a calibration on drawn images.

Engines: reference and cpu run the model; for inputs of up to 64 x 64 (or 4096 samples) a compiled directory is run as
a plan, and its Verilog in Verilator on --simulated images. A value is right where it equals the executor's; of float
scores the last operations may be rounded otherwise, by 2^-17 of the image's greatest. The executor computes in
float32, so that values within its rounding of a threshold may be quantised otherwise than exactly: a model is 'exact
but N' where N outputs differ and `info` counts such values, approximated where `info` says so, and wrong where outputs
differ and it says neither.
Last line: 'N passed, N failed': failed are wrong outputs, engines that differ, panics, no answer of info or cpu within
--timeout, and models of which the executor's outputs are missing. Refusals are told, not failed. Exit 0 only if none
failed, 1 on failures, 2 on usage.
"""
import argparse
import fnmatch
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import zoo_cache
import zoo_engines
import zoo_table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", help="the xnorforge binary")
    parser.add_argument("--make", action="store_true", help="only make models and run their executors")
    parser.add_argument("--list", action="store_true", help="only name the models")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="PATTERN", help="names of models, * and ? allowed")
    parser.add_argument("--cache", default=os.path.expanduser("~/.cache/xnorforge/zoo"), metavar="DIR")
    parser.add_argument("--images", type=int, default=10, help="of each model, at most 10")
    parser.add_argument("--simulated", type=int, default=1, help="images in Verilator")
    parser.add_argument("--on", nargs="+", default=list(zoo_engines.ENGINES), choices=list(zoo_engines.ENGINES))
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one call of the binary")
    parser.add_argument("--minutes", type=float, default=1e6, help="after which no further engine is started")
    parser.add_argument("--jobs", type=int, default=1, help="models at a time")
    parser.add_argument("--table", metavar="FILE", help="where to write the table; without it, it is printed")
    args = parser.parse_args()
    if not (args.bin or args.make or args.list):
        parser.error("--bin, --make or --list is needed")
    if args.bin and not os.access(args.bin, os.X_OK):
        parser.error(f"{args.bin} is not a program")

    cache = zoo_cache.Cache(args.cache)
    names = [name for name in cache.names() if any(fnmatch.fnmatch(name, pattern) for pattern in args.only)]
    if args.list:
        print("\n".join(names))
        return 0
    if not names:
        parser.error("no model has such a name")
    cache.make(names, args.images)
    if not args.bin:
        return 0
    known = zoo_cache.Known(cache, args.bin)
    end = time.monotonic() + 60 * args.minutes
    args.is_over = lambda: time.monotonic() > end

    def found(name):
        entry = zoo_engines.check(args, known, name)
        print(f"{name:36} {zoo_table.result(entry, args)}", flush=True)
        return entry

    with ThreadPoolExecutor(args.jobs) as pool:
        entries = list(pool.map(found, names))
    table = zoo_table.table(entries, args)
    if args.table:
        with open(args.table, "w") as file:
            file.write(table)
    else:
        print(table)
    failed = sum(bool(entry["faults"]) for entry in entries)
    print(f"{len(entries) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
