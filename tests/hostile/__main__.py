"""Runs hostile cases: a range of them, whose results add up over runs, or one, which is printed in full.

python -m tests.hostile --seeds 0:20000     # resumes where an earlier run ended; Ctrl-C ends it
python -m tests.hostile --seed 123
python -m tests.hostile --again             # those found bad so far
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hostile import ROOT


def main():
    # before TensorFlow is imported: programs that compile quickly
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", help="the numbers of cases, FIRST:END, those tried before left out")
    parser.add_argument("--seed", type=int, help="the number of one case, which is printed in full; its files are kept")
    parser.add_argument("--again", action="store_true", help="run the cases again that were found bad")
    parser.add_argument("--results", default=ROOT / ".pytest_cache" / "hostile.json", help="the file of results")
    parser.add_argument("--workers", type=int, default=1, help="the number of processes")
    parser.add_argument("--report", action="store_true", help="only print the results so far")
    options = parser.parse_args()
    from tests.hostile.results import Results

    results = Results(options.results)
    if options.seed is not None:
        replay(options.seed)
    elif options.report:
        print(results.report())
    else:
        first, _, end = (options.seeds or "0:0").partition(":")
        seeds = (
            sorted(results.bad) if options.again else [n for n in range(int(first), int(end)) if n not in results.tried]
        )
        run(seeds, results, options.workers)
        print(results.report())


def replay(seed):
    """Runs one case and prints all of it."""
    from tests.hostile.workers import Worker, stock

    with stock() as folder, Worker(folder) as worker:
        verdict = worker.judge(seed)
        kept = Path(tempfile.mkdtemp(prefix=f"kzoo_hostile_{seed}_"))
        shutil.copytree(worker.base / "box", kept, symlinks=True, ignore=special, dirs_exist_ok=True)
    print(f"case {seed}, {verdict.kind}: {verdict.what}\nits files: {kept}\n{verdict.text}")
    print(f"{verdict.verdict}: {verdict.detail}")


def special(folder, names):
    """Returns those of the names that are neither files nor folders, which cannot be copied."""
    return [
        name for name in names if not ((path := Path(folder, name)).is_file() or path.is_dir() or path.is_symlink())
    ]


def run(seeds, results, workers):
    """Runs cases and adds them to the results; Ctrl-C ends it."""
    from tests.hostile.workers import Worker, stock

    left, lock, stopped = iter(seeds), threading.Lock(), threading.Event()
    total = len(seeds)

    def work():
        with Worker(folder) as worker:
            while not stopped.is_set():
                with lock:
                    seed = next(left, None)
                if seed is None:
                    return
                verdict = worker.judge(seed)
                with lock:
                    results.add(verdict)
                    if len(results.tried) % 20 == 0:
                        results.save()
                    if sys.stdout.isatty():
                        print(f"\r{seed} of {total}; {results.line()} ", end="", flush=True)

    with stock() as folder, ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work) for _ in range(workers)]
        try:
            with contextlib.suppress(KeyboardInterrupt):
                for future in futures:
                    future.result()
        finally:
            stopped.set()
    results.save()
    print()


if __name__ == "__main__":
    main()
