"""Tests of the cores in `soc/` by cocotb, with the AXI models of cocotbext-axi; soc.py runs them.

XNORFORGE_DIR names the compiled directory. Its testbench has the words of some images and of the network's answers.
"""

import json
import os
import random
import re
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

DIR = Path(os.environ["XNORFORGE_DIR"])
MANIFEST = json.loads((DIR / "manifest.json").read_text())
# Offsets of registers and windows as software in C has them.
HEADER = {
    name: int(value, 16)
    for name, value in re.findall(r"#define XNORFORGE_(\w+) (0x[0-9a-f]+)u", (DIR / "soc/xnorforge_registers.h").read_text())
}


class Stream:
    """A stream of the core: its words, its elements, and how these lie in a window."""

    def __init__(self, manifest, file):
        (self.kind, fields), = manifest["element"].items() if isinstance(manifest["element"], dict) else ((manifest["element"], {}),)
        self.bits = fields.get("bits", 1)
        self.lanes, self.channels, self.vectors = manifest["lanes"], manifest["channels"], manifest["vectors"]
        self.words_per_vector = -(-self.channels // self.lanes)
        words = [int(line, 16) for line in file.read_text().split()]
        count = self.words_per_vector * self.vectors
        self.images = [words[at : at + count] for at in range(0, len(words), count)]
        self.bytes = -(-self.lanes * self.bits // 8)

    def frame(self, words):
        return b"".join(word.to_bytes(self.bytes, "little") for word in words)

    def codes(self, words):
        """The bits of each element, vector by vector."""
        mask = (1 << self.bits) - 1
        lanes = [word >> (lane * self.bits) & mask for word in words for lane in range(self.lanes)]
        stride = self.words_per_vector * self.lanes
        return [lanes[at : at + self.channels] for at in range(0, len(lanes), stride)]

    def window(self, words):
        """The 32-bit words of an image in a window, by what abi/src/window.rs says."""
        container = 1 << (self.bits - 1).bit_length()
        vectors = self.codes(words)
        if self.channels % self.lanes == 0:
            vectors = [[code for vector in vectors for code in vector]]
        places = 32 // container
        return [
            sum(code << (place * container) for place, code in enumerate(vector[at : at + places]))
            for vector in vectors
            for at in range(0, len(vector), places)
        ]


INPUT = Stream(MANIFEST["input_stream"], DIR / "testbench/testbench_input.mem")
OUTPUT = Stream(MANIFEST["output_stream"], DIR / "testbench/testbench_expected.mem")


def pauses(seed, probability):
    source = random.Random(seed)
    while True:
        yield source.random() < probability


async def reset(clock, signal, active):
    cocotb.start_soon(Clock(clock, 10, "ns").start())
    signal.value = active
    for _ in range(4):
        await RisingEdge(clock)
    signal.value = 1 - active
    await RisingEdge(clock)


def axi_lite(dut, seed):
    """A master that hesitates on all five channels."""
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, dut.aresetn, reset_active_level=False)
    channels = [master.write_if.aw_channel, master.write_if.w_channel, master.write_if.b_channel,
                master.read_if.ar_channel, master.read_if.r_channel]
    for number, channel in enumerate(channels):
        channel.set_pause_generator(pauses(seed + number, 0.1 * (number + seed) % 0.7))
    return master


class AxiLite:
    """Words over AXI4-Lite."""

    def __init__(self, dut, seed):
        self.master = axi_lite(dut, seed)

    async def read(self, address):
        answer = await self.master.read(address, 4)
        return int.from_bytes(answer.data, "little") if answer.resp == AxiResp.OKAY else None

    async def write(self, address, word):
        answer = await self.master.write(address, word.to_bytes(4, "little"))
        return answer.resp == AxiResp.OKAY


class Wishbone:
    """Words over Wishbone."""

    def __init__(self, dut, seed):
        self.dut, self.random = dut, random.Random(seed)
        for name in ["adr_i", "dat_i", "sel_i", "we_i", "stb_i", "cyc_i"]:
            getattr(dut, f"wb_{name}").value = 0

    async def cycle(self, address, word):
        dut = self.dut
        dut.wb_adr_i.value = address
        dut.wb_we_i.value = int(word is not None)
        dut.wb_dat_i.value = word or 0
        dut.wb_sel_i.value = 0xF
        dut.wb_cyc_i.value = dut.wb_stb_i.value = 1
        for _ in range(20):
            await ReadOnly()
            good, bad, data = int(dut.wb_ack_o.value), int(dut.wb_err_o.value), dut.wb_dat_o.value
            await RisingEdge(dut.wb_clk_i)
            assert not (good and bad)
            if good or bad:
                # Sometimes the next cycle follows at once, sometimes the bus rests.
                if self.random.random() < 0.5:
                    dut.wb_cyc_i.value = dut.wb_stb_i.value = 0
                    await RisingEdge(dut.wb_clk_i)
                return int(data) if good and word is None else bool(good)
        raise AssertionError(f"no answer at {address:#x}")

    async def read(self, address):
        answer = await self.cycle(address, None)
        return None if answer is False else answer

    async def write(self, address, word):
        return await self.cycle(address, word)


async def run_images(bus):
    """Drives the device as abi/src/registers.rs says, and compares every answer."""
    assert await bus.read(HEADER["IDENTIFIER"]) == HEADER["IDENTIFIER_VALUE"]
    words = [await bus.read(HEADER["DESIGN_HASH"] + 4 * word) for word in range(8)]
    assert b"".join(word.to_bytes(4, "little") for word in words).hex() == MANIFEST["design_hash"]
    slots, size = await bus.read(HEADER["SLOTS"]), await bus.read(HEADER["INPUT_WORDS"])
    answer_size = await bus.read(HEADER["OUTPUT_WORDS"])
    assert (slots, size, answer_size) == (HEADER["SLOTS_VALUE"], HEADER["INPUT_WORDS_VALUE"], HEADER["OUTPUT_WORDS_VALUE"])
    while await bus.read(HEADER["STATUS"]) & HEADER["STATUS_RESET"]:
        pass
    # What cannot be written or read is refused, and changes nothing.
    assert not await bus.write(HEADER["COMPLETED"], 5)
    assert not await bus.write(HEADER["INPUT_WINDOW"] + 4 * slots * size, 5)
    assert await bus.read(HEADER["INPUT_WINDOW"]) is None
    assert await bus.read(HEADER["OUTPUT_WINDOW"] + 4 * slots * answer_size) is None
    assert await bus.write(HEADER["SESSION"], 0xCAFE)
    for number, image in enumerate(INPUT.images):
        words = INPUT.window(image)
        assert len(words) == size
        for place, word in enumerate(words):
            assert await bus.write(HEADER["INPUT_WINDOW"] + 4 * (number % slots * size + place), word)
        assert await bus.write(HEADER["SUBMITTED"], number + 1)
    while await bus.read(HEADER["COMPLETED"]) < len(INPUT.images):
        pass
    for number, answer in enumerate(OUTPUT.images):
        words = [
            await bus.read(HEADER["OUTPUT_WINDOW"] + 4 * (number % slots * answer_size + place)) for place in range(answer_size)
        ]
        assert words == OUTPUT.window(answer), f"answer {number}"
    assert await bus.read(HEADER["STATUS"]) == 0
    assert await bus.read(HEADER["SESSION"]) == 0xCAFE
    assert await bus.write(HEADER["CONTROL"], HEADER["CONTROL_RESET"])
    assert await bus.read(HEADER["STATUS"]) == HEADER["STATUS_RESET"]
    while await bus.read(HEADER["STATUS"]) & HEADER["STATUS_RESET"]:
        pass
    assert await bus.read(HEADER["COMPLETED"]) == 0 and await bus.read(HEADER["SESSION"]) == 0


@cocotb.test(skip=os.environ["XNORFORGE_TOP"] != "xnorforge_axi_lite")
async def images_over_axi_lite(dut):
    for seed in range(3):
        bus = AxiLite(dut, seed)
        await reset(dut.aclk, dut.aresetn, 0)
        await with_timeout(run_images(bus), 10, "ms")


@cocotb.test(skip=os.environ["XNORFORGE_TOP"] != "xnorforge_wishbone")
async def images_over_wishbone(dut):
    bus = Wishbone(dut, 1)
    await reset(dut.wb_clk_i, dut.wb_rst_i, 1)
    await with_timeout(run_images(bus), 10, "ms")


@cocotb.test(skip=os.environ["XNORFORGE_TOP"] != "xnorforge_axi_stream")
async def images_over_axi_stream(dut):
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, dut.aresetn, reset_active_level=False,
                             byte_lanes=INPUT.bytes)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, dut.aresetn, reset_active_level=False,
                         byte_lanes=OUTPUT.bytes)
    control = AxiLite(dut, 3)
    await reset(dut.aclk, dut.aresetn, 0)

    async def run():
        total = 0
        for seed, (before, behind) in enumerate([(0, 0), (0.5, 0.2), (0.1, 0.8), (0.5, 0.5)]):
            source.set_pause_generator(pauses(seed, before))
            sink.set_pause_generator(pauses(seed + 100, behind))
            for image in INPUT.images:
                source.send_nowait(AxiStreamFrame(INPUT.frame(image)))
            for number, answer in enumerate(OUTPUT.images):
                frame = await sink.recv()
                # A frame ends where TLAST is: its length is right where TLAST is.
                assert bytes(frame.tdata) == OUTPUT.frame(answer), f"answer {number}, pauses {before} and {behind}"
            total += len(INPUT.images)
            assert await control.read(HEADER["SUBMITTED"]) == total
            assert await control.read(HEADER["COMPLETED"]) == total
        assert sink.empty()
        assert await control.read(HEADER["SLOTS"]) == 0
        assert await control.read(HEADER["INPUT_WINDOW"]) is None
        assert not await control.write(HEADER["SUBMITTED"], 1)
        assert await control.read(HEADER["FRAME_ERRORS"]) == 0
        # An image in two frames is an image all the same, but its TLAST in the middle is noticed.
        image = INPUT.frame(INPUT.images[0])
        middle = INPUT.bytes * (len(INPUT.images[0]) // 2)
        for part in [image[:middle], image[middle:]]:
            source.send_nowait(AxiStreamFrame(part))
        assert bytes((await sink.recv()).tdata) == OUTPUT.frame(OUTPUT.images[0])
        assert await control.read(HEADER["FRAME_ERRORS"]) == 1

    await with_timeout(run(), 10, "ms")
