// Drives the Wishbone slave of a device, on demand. The format of requests and answers is described in `verilated.rs`;
// both must change together.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vmodel.h"
#include "verilated.h"

namespace {

enum Kind : uint32_t { READ = 0, WRITE = 1, PASS = 2 };

// More clock cycles than an access takes; the slave answers in its sixth.
constexpr int most_cycles = 16;

bool read_words(uint32_t* words, std::size_t count) { return std::fread(words, 4, count, stdin) == count; }

void write_words(const uint32_t* words, std::size_t count) {
    if (std::fwrite(words, 4, count, stdout) != count) std::exit(1);
}

// Clock cycles that have passed in all.
uint32_t cycles = 0;

void tick(Vmodel& model) {
    ++cycles;
    model.wb_clk_i = 1;
    model.eval();
    model.wb_clk_i = 0;
    model.eval();
}

// One bus cycle; whether the slave ends it well.
bool access(Vmodel& model, uint32_t address, bool write, uint32_t& word) {
    model.wb_adr_i = address;
    model.wb_we_i = write;
    model.wb_dat_i = word;
    model.wb_cyc_i = 1;
    model.wb_stb_i = 1;
    model.eval();
    bool good = false;
    for (int cycle = 0; cycle < most_cycles; ++cycle) {
        good = model.wb_ack_o;
        const bool ends = good || model.wb_err_o;
        if (good && !write) word = model.wb_dat_o;
        tick(model);
        if (ends) break;
    }
    model.wb_cyc_i = 0;
    model.wb_stb_i = 0;
    model.eval();
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    const auto context = std::make_unique<VerilatedContext>();
    context->commandArgs(argc, argv);
    const auto model = std::make_unique<Vmodel>(context.get());
    model->wb_clk_i = 0;
    model->wb_cyc_i = 0;
    model->wb_stb_i = 0;
    model->wb_sel_i = 15;
    model->wb_rst_i = 1;
    model->eval();
    tick(*model);
    tick(*model);
    model->wb_rst_i = 0;
    model->eval();

    uint32_t request[3];
    std::vector<uint32_t> words;
    while (read_words(request, 3)) {
        const uint32_t kind = request[0];
        const uint32_t address = request[1];
        const uint32_t count = request[2];
        uint32_t done = 0;
        if (kind == PASS) {
            for (; done < count; ++done) tick(*model);
            write_words(&done, 1);
            write_words(&cycles, 1);
        } else {
            words.assign(count, 0);
            if (kind == WRITE && !read_words(words.data(), count)) return 1;
            while (done < count && access(*model, address + 4 * done, kind == WRITE, words[done])) ++done;
            write_words(&done, 1);
            write_words(&cycles, 1);
            if (kind == READ) write_words(words.data(), done);
        }
        std::fflush(stdout);
    }
    model->final();
    return 0;
}
