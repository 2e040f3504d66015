"""docs/models.md from what zoo.py found."""
import collections

HEAD = """# Models that run

Written by `scripts/check/zoo.py`, which makes each model from packages of PyPI, with random weights, fixed seeds, and
the statistics that a calibration on drawn images leaves in batch norms and activation scales. Models whose published
files are on no package index (RadioML VGG10, hls4ml's branched, separable and U-net) are networks of our own after
them. Networks for ImageNet take 64 x 64 pixels, those of Brevitas average the last 2 x 2, and VGG11 has a classifier
of 512 units. The packages' versions are those of `scripts/check/zoo_models/*.txt`.

* *Exact*: every output of {images} images equals the executor's, and all engines named give the same; float scores to
  2^-17 of the image's greatest, since executors round the last float operations otherwise.
* *Exact but N*: N outputs differ from the executor's. Executors compute in float32, which quantises the values counted
  under *ties* (`info --ties`) otherwise than exact arithmetic; *hit* counts those in these images, *class* the images
  on which the greatest score is the same one.
* *Approximated*: outputs differ, and `info` names the scales that it replaced, with the error, and what is exact instead.
* Models that take pixels / 255 without a quantiser are run with `--input-type u8 --input-scale 1/255`.
* Inputs above 64 x 64 are not compiled. Verilator simulates {simulated} of the images.

"""
ROW = "| {} |\n"
TITLES = ("model", "source", "form", "input", "result", "ties", "executor", "engines")


def reason(complaint):
    """The first sentence of what the binary says, without its drawing."""
    words = complaint.split(" help: ")[0].replace(" | ", " ").replace(" │ ", " ")
    return words.split(" x ", 1)[-1].split(" × ", 1)[-1]


def engines(entry):
    """Those that agree, then those that do not run and why."""
    agree = [name for name, known in entry["engines"].items() if "images" in known]
    others = [f"{name}: {reason(known.get('Refused', known.get('Slow', '')))}"
              for name, known in entry["engines"].items() if "Refused" in known or "Slow" in known]
    return "; ".join([", ".join(agree)] * bool(agree) + others)


def result(entry, args):
    verdict = entry["verdict"]
    if verdict.startswith("refused: "):
        verdict = f"refused: {reason(verdict.removeprefix('refused: '))}"
    if verdict.startswith("exact but"):
        verdict += f"; class {entry['classes']} of {args.images}; hit {entry.get('hits', 'not counted')}"
        verdict += f"; {entry['unlisted']} images differ without" if entry.get("unlisted") else ""
    return "; ".join([verdict, *entry["faults"]])


def kind(entry):
    """Of the verdict, for the counts."""
    return entry["verdict"].split(":")[0].split(" but")[0]


def row(entry, args):
    shape = " x ".join(str(size) for size in entry.get("shape", []))
    cells = (entry["name"], entry.get("source", ""), entry.get("form", ""), shape, result(entry, args), entry["ties"],
             entry.get("executor", ""), engines(entry))
    return ROW.format(" | ".join(cell.replace("|", "\\|") for cell in cells))


def table(entries, args):
    counts = collections.Counter(kind(entry) for entry in entries)
    text = HEAD.format(images=args.images, simulated=args.simulated)
    text += f"{len(entries)} models: " + ", ".join(f"{count} {word}" for word, count in counts.most_common()) + ".\n\n"
    text += ROW.format(" | ".join(TITLES)) + "|" + "---|" * len(TITLES) + "\n"
    return text + "".join(row(entry, args) for entry in entries)
