// Runs a board's top module at its UART pins, on demand. The format of requests and answers is described in
// `verilated.rs`; both must change together.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "Vmodel.h"
#include "verilated.h"

namespace {

bool read_words(uint32_t* words, std::size_t count) { return std::fread(words, 4, count, stdin) == count; }

void write_words(const uint32_t* words, std::size_t count) {
    if (std::fwrite(words, 4, count, stdout) != count) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    const auto context = std::make_unique<VerilatedContext>();
    context->commandArgs(argc, argv);
    const auto model = std::make_unique<Vmodel>(context.get());
    model->clock = 0;
    model->uart_receive = 1;
    model->eval();

    uint32_t count = 0;
    std::vector<uint32_t> request;
    std::vector<uint32_t> answer;
    while (read_words(&count, 1)) {
        request.resize(2 * static_cast<std::size_t>(count));
        if (!read_words(request.data(), request.size())) return 1;
        answer.assign(1, 0);
        for (std::size_t run = 0; run < request.size(); run += 2) {
            model->uart_receive = request[run] != 0;
            for (uint32_t cycle = 0; cycle < request[run + 1]; ++cycle) {
                model->clock = 0;
                model->eval();
                const uint32_t level = model->uart_transmit;
                if (answer.size() > 1 && answer[answer.size() - 2] == level) {
                    ++answer.back();
                } else {
                    answer.push_back(level);
                    answer.push_back(1);
                }
                model->clock = 1;
                model->eval();
            }
        }
        answer[0] = static_cast<uint32_t>((answer.size() - 1) / 2);
        write_words(answer.data(), answer.size());
        std::fflush(stdout);
    }
    model->final();
    return 0;
}
