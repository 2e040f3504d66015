#!/usr/bin/env python3
"""Checks the PCIe transport in a real Linux: QEMU boots a guest whose ivshmem devices are simulated cards.

Outside, `xnorforge simulate DIR --serve` simulates each design in Verilator and serves it in a file; QEMU maps the file as
BAR2 of a PCI function. Inside, a statically linked program made of the host crate alone (host/examples/run_images.rs)
finds the function, switches it on and runs images. Its scores must be those of the packed engine, byte for byte, and those
that were recorded beside the model.

    qemu.py [--models ../shared/models]

Needs Linux on x86-64 (Debian, Ubuntu); installs qemu-system-x86 where it is missing, and fetches a kernel and busybox.
"""

import argparse
import ast
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = "x86_64-unknown-linux-gnu"
GUEST_SECONDS = 300

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
cd /tmp
for name in $(cat /designs); do
  function=$(cat /designs.d/$name/function)
  echo "$name: $function is $(cat /sys/bus/pci/devices/$function/vendor), enabled: $(cat /sys/bus/pci/devices/$function/enable)"
  if run_images pcie:$function /designs.d/$name/manifest.json /designs.d/$name/images /tmp/$name; then
    echo "begin $name" > /dev/ttyS1
    base64 /tmp/$name > /dev/ttyS1
    echo "end $name" > /dev/ttyS1
  fi
done
poweroff -f
"""


def run(command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def install():
    """The folder that the kernel and busybox are unpacked in."""
    as_root = [] if os.getuid() == 0 else ["sudo"]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xnorforge/qemu"
    unpacked = cache / "root"
    has_kernel = list(unpacked.glob("boot/vmlinuz-*"))
    if not shutil.which("qemu-system-x86_64") or not has_kernel:
        run([*as_root, "apt-get", "update", "-qq"])
    if not shutil.which("qemu-system-x86_64"):
        run([*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "qemu-system-x86"])
    if not has_kernel:
        with tempfile.TemporaryDirectory() as packages:
            depends = run(["apt-cache", "depends", "linux-image-cloud-amd64"])
            kernel, = [word for word in depends.split() if word.startswith("linux-image-")][1:]
            run(["apt-get", "download", "busybox-static", kernel], cwd=packages)
            fresh = Path(packages, "root")
            for package in Path(packages).glob("*.deb"):
                run(["dpkg-deb", "-x", package, fresh])
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.mkdir(parents=True)
            for name in ["boot", "bin"]:
                source = fresh / name if (fresh / name).is_dir() else fresh / "usr" / name
                shutil.copytree(source, unpacked / name)
    return unpacked


def npy(path):
    """The values of a file of uint8, float32 or int64, and its shape."""
    data = path.read_bytes()
    length = int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10 : 10 + length].decode())
    values = array({"|u1": "B", "<f4": "f", "<i8": "q"}[header["descr"]])
    values.frombytes(data[10 + length :])
    return values, header["shape"]


class Design:
    def __init__(self, name, model, images, golden, count, options):
        self.name, self.model, self.images, self.golden = name, model, images, golden
        self.count, self.options = count, options

    def prepare(self, program, work):
        self.folder = work / self.name
        run([program, "compile", self.model, "-o", self.folder, *self.options])
        run([program, "run", self.folder, "--input", self.images, "--count", str(self.count), "--output", work / "expected.npy"])
        self.expected, shape = npy(work / "expected.npy")
        values, shape = npy(self.images)
        size = len(values) // shape[0]
        self.values = array("f", values[: self.count * size])
        golden, shape = npy(self.golden)
        size = len(golden) // shape[0]
        for found, recorded in zip(self.expected, golden[: self.count * size], strict=True):
            if abs(found - recorded) > 1e-4 * max(map(abs, golden)):
                sys.exit(f"{self.name}: the packed engine differs from {self.golden}: {found}, not {recorded}")

    def serve(self, program, bar):
        self.bar = bar
        command = [program, "simulate", self.folder, "--serve", "--on", "verilator", "--json", "--bar", bar]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def wait(self):
        ready = json.loads(self.server.stdout.readline() or "{}")
        if ready.get("bar") != str(self.bar):
            sys.exit(f"{self.name}: no card is served, but {ready}")

    def end(self):
        self.server.send_signal(signal.SIGTERM)
        if self.server.wait(timeout=60) != 0 or self.bar.exists():
            sys.exit(f"{self.name}: the simulation must end with status 0 and remove {self.bar}")


def initramfs(designs, unpacked, guest_program, work):
    root = work / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy(unpacked / "bin/busybox", root / "bin")
    shutil.copy(guest_program, root / "bin/run_images")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    (root / "designs").write_text("\n".join(design.name for design in designs) + "\n")
    for design in designs:
        place = root / "designs.d" / design.name
        place.mkdir(parents=True)
        shutil.copy(design.folder / "manifest.json", place)
        (place / "images").write_bytes(design.values.tobytes())
        (place / "function").write_text(design.function + "\n")
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    archive = work / "initramfs"
    with open(archive, "wb") as file:
        command = [unpacked / "bin/busybox", "cpio", "-o", "-H", "newc"]
        subprocess.run(command, cwd=root, input=names.encode(), stdout=file, stderr=subprocess.DEVNULL, check=True)
    return archive


def boot(designs, unpacked, archive, work):
    kernel, = unpacked.glob("boot/vmlinuz-*")
    answers = work / "answers"
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-display", "none", "-no-reboot", "-nodefaults"]
    command += ["-serial", "stdio", "-serial", f"file:{answers}", "-kernel", kernel, "-initrd", archive]
    command += ["-append", "console=ttyS0 quiet panic=-1"]
    for index, design in enumerate(designs):
        memory = f"memory-backend-file,id=bar{index},size=32M,share=on,mem-path={design.bar}"
        command += ["-object", memory, "-device", f"ivshmem-plain,memdev=bar{index},addr={design.function[8:10]}"]
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=GUEST_SECONDS
    )
    return result.stdout.decode(errors="replace"), answers.read_text()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", type=Path, help="folder with TFC_1W1A.onnx and golden/, checked as well")
    arguments = parser.parse_args()
    begin = time.monotonic()
    run(["cargo", "build", "--release", "--quiet", "-p", "xnorforge"], cwd=ROOT)
    environment = {**os.environ, "RUSTFLAGS": "-C target-feature=+crt-static"}
    example = ["cargo", "build", "--release", "--quiet", "-p", "xnorforge-host", "--example", "run_images"]
    run([*example, "--target", TARGET], cwd=ROOT, env=environment)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    program, guest_program = target / "release/xnorforge", target / TARGET / "release/examples/run_images"
    unpacked = install()
    print(f"programs, kernel and QEMU are there after {time.monotonic() - begin:.0f} s")
    digits = ROOT / "models/digits"
    designs = [
        Design("digits", digits / "digits_conv.onnx", digits / "test_images.npy", digits / "expected_scores_conv.npy", 360, []),
    ]
    if arguments.models:
        golden = arguments.models / "golden/TFC_1W1A"
        model = arguments.models / "TFC_1W1A.onnx"
        designs.append(Design("TFC_1W1A", model, golden / "input.npy", golden / "output.npy", 100, []))
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for index, design in enumerate(designs):
            design.function = f"0000:00:{5 + index:02x}.0"
            design.prepare(program, work)
            design.serve(program, work / f"bar_{design.name}")
        archive = initramfs(designs, unpacked, guest_program, work)
        for design in designs:
            design.wait()
        print(f"cards are served after {time.monotonic() - begin:.0f} s")
        console, answers = boot(designs, unpacked, archive, work)
        for design in designs:
            design.end()
    failures = 0
    for design in designs:
        lines = answers.replace("\r", "").split("\n")
        try:
            text = "".join(lines[lines.index(f"begin {design.name}") + 1 : lines.index(f"end {design.name}")])
            found = base64.b64decode(text, validate=True)
        except ValueError:
            found = b""
        good = found == array("f", design.expected).tobytes() and len(found) > 0
        failures += not good
        print(f"{'ok  ' if good else 'FAIL'} {design.name}: {design.count} images in the guest, {len(found) // 4} scores, byte for byte")
    print(f"{console.strip()}\nthe guest is done after {time.monotonic() - begin:.0f} s")
    print(f"{len(designs) - failures} passed, {failures} failed")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
