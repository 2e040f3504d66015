"""Test of the card in `soc/xnorforge_litepcie.py` by cocotb, at the streams between LitePCIe and the FPGA's hard block;
check_soc.py runs it. Requests and completions are packets of the PCIe transaction layer with one word each.
"""

import cocotb
from cocotb.triggers import RisingEdge, with_timeout

from soc_bench import HEADER, INPUT, MANIFEST, OUTPUT, reset

# Where the system may have put BAR0.
BASE = 0xFA000000
REQUESTER = 0x0008
READ, WRITE, COMPLETION = 0x00000001, 0x40000001, 0x4A000001


def swapped(word):
    """The bytes of a payload travel in the order of their addresses, the first one in the highest byte."""
    return int.from_bytes(word.to_bytes(4, "little"), "big")


class Link:
    """The hard block's side of the streams."""

    def __init__(self, dut):
        self.dut, self.tag = dut, 0
        for field in ["valid", "first", "last", "dat", "be"]:
            getattr(dut, f"request_{field}").value = 0
        dut.completion_ready.value = 1

    async def send(self, words):
        dut = self.dut
        for at in range(0, len(words), 2):
            pair = words[at : at + 2]
            dut.request_dat.value = pair[0] | (pair[1] << 32 if len(pair) > 1 else 0)
            dut.request_be.value = 0xFF if len(pair) > 1 else 0x0F
            dut.request_first.value = at == 0
            dut.request_last.value = at + 2 >= len(words)
            dut.request_valid.value = 1
            await RisingEdge(dut.sys_clk)
            while not dut.request_ready.value:
                await RisingEdge(dut.sys_clk)
        dut.request_valid.value = 0

    def header(self, kind, address):
        self.tag = (self.tag + 1) % 32
        return [kind, REQUESTER << 16 | self.tag << 8 | 0xF, BASE + address]

    async def write(self, address, word):
        await self.send([*self.header(WRITE, address), swapped(word)])

    async def read(self, address):
        return await with_timeout(self.answer(address), 10, "us")

    async def answer(self, address):
        cocotb.start_soon(self.send(self.header(READ, address)))
        words = []
        while True:
            await RisingEdge(self.dut.sys_clk)
            if self.dut.completion_valid.value:
                data = int(self.dut.completion_dat.value)
                words += [data & 0xFFFFFFFF, data >> 32]
                if self.dut.completion_last.value:
                    break
        assert words[0] & 0xFF0003FF == COMPLETION & 0xFF0003FF, [hex(word) for word in words]
        assert words[1] & 0xFFF == 4 and words[2] >> 8 == REQUESTER << 8 | self.tag, [hex(word) for word in words]
        assert words[2] & 0x7F == address & 0x7F, [hex(word) for word in words]
        return swapped(words[3])


async def images(dut):
    link = Link(dut)
    await reset(dut.sys_clk, dut.sys_rst, 1)
    assert await link.read(HEADER["IDENTIFIER"]) == HEADER["IDENTIFIER_VALUE"]
    assert await link.read(HEADER["ABI_VERSION"]) == HEADER["ABI_VERSION_VALUE"]
    digits = "".join([(await link.read(HEADER["DESIGN_HASH"] + 4 * at)).to_bytes(4, "little").hex() for at in range(8)])
    assert digits == MANIFEST["design_hash"]
    # No word is there, and what comes after is answered all the same.
    assert await link.read(0x3C) == 0xFFFFFFFF
    await link.write(HEADER["SLOTS"], 7)
    assert await link.read(HEADER["SLOTS"]) == HEADER["SLOTS_VALUE"]
    await link.write(HEADER["SESSION"], 0x01020304)
    assert await link.read(HEADER["SESSION"]) == 0x01020304
    count = min(len(INPUT.images), HEADER["SLOTS_VALUE"], 2)
    for image in range(count):
        words = INPUT.window(INPUT.images[image])
        assert len(words) == HEADER["INPUT_WORDS_VALUE"]
        for at, word in enumerate(words):
            await link.write(HEADER["INPUT_WINDOW"] + 4 * (image * len(words) + at), word)
    await link.write(HEADER["SUBMITTED"], count)
    while await link.read(HEADER["COMPLETED"]) != count:
        pass
    for image in range(count):
        words = OUTPUT.window(OUTPUT.images[image])
        for at, word in enumerate(words):
            found = await link.read(HEADER["OUTPUT_WINDOW"] + 4 * (image * len(words) + at))
            assert found == word, f"image {image}, word {at}: {found:#x}, not {word:#x}"


@cocotb.test()
async def images_have_the_networks_answers(dut):
    await with_timeout(images(dut), 2, "ms")
