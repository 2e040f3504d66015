// Drives one generated core (valid/ready streams in and out) with recorded words and records what comes back.
//
//   model STIMULUS RESULT PATIENCE DRAIN [--seed SEED] [--wave FILE] [--weights FILE]
//
// `core.h`, generated, says the widths, the words of one image and the probes. Everything else is here and the same for
// every core. The layout of the two files is described in `files.rs`, the random pattern in `back_pressure.rs`; both
// must change together with this file.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "Vmodel.h"
#include "verilated.h"
#include "verilated_syms.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

#include "core.h"

namespace {

constexpr uint32_t STIMULUS_MAGIC = 0x54534658;  // "XFST"
constexpr uint32_t RESULT_MAGIC = 0x53524658;    // "XFRS"
constexpr unsigned RESET_CYCLES = 16;

enum Status : uint32_t {
    DONE = 0,
    STUCK = 1,
    DATA_CHANGED = 2,
    VALID_WITHDRAWN = 3,
    SURPLUS_WORD = 4,
    FINISHED_ITSELF = 5,
};

constexpr unsigned chunks(unsigned bits) { return (bits + 31) / 32; }
constexpr unsigned INPUT_CHUNKS = chunks(INPUT_BITS);
constexpr unsigned OUTPUT_CHUNKS = chunks(OUTPUT_BITS);

// A port is an integer of 8 to 64 bits or, where wider, an array of 32-bit chunks.
template <class Port> void put(Port& port, const uint32_t* word, unsigned count) {
    uint64_t value = word[0];
    if (count > 1) value |= static_cast<uint64_t>(word[1]) << 32;
    port = static_cast<Port>(value);
}
template <std::size_t N> void put(VlWide<N>& port, const uint32_t* word, unsigned count) {
    for (unsigned i = 0; i < count; ++i) port[i] = word[i];
}
template <class Port> void get(const Port& port, uint32_t* word, unsigned count) {
    const uint64_t value = port;
    word[0] = static_cast<uint32_t>(value);
    if (count > 1) word[1] = static_cast<uint32_t>(value >> 32);
}
template <std::size_t N> void get(const VlWide<N>& port, uint32_t* word, unsigned count) {
    for (unsigned i = 0; i < count; ++i) word[i] = port[i];
}

class SplitMix64 {
    uint64_t state_;

public:
    explicit SplitMix64(uint64_t seed) : state_{seed} {}
    uint64_t next() {
        uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
};

// One side's willingness to move, cycle by cycle: stretches of 1 to 64 cycles, each with its own chance.
class Pattern {
    SplitMix64 random_;
    const bool always_;
    unsigned left_ = 0;
    unsigned chance_ = 0;

public:
    Pattern(bool always, uint64_t seed) : random_{seed}, always_{always} {}
    bool next() {
        if (always_) return true;
        if (left_ == 0) {
            static const unsigned CHANCES[8] = {0, 16, 64, 128, 192, 240, 256, 256};
            const uint64_t draw = random_.next();
            left_ = 1 + (draw & 63);
            chance_ = CHANCES[(draw >> 8) & 7];
        }
        --left_;
        return (random_.next() >> 56) < chance_;
    }
};

struct Writer {
    FILE* file;
    void u32(uint32_t value) { std::fwrite(&value, sizeof value, 1, file); }
    void u64(uint64_t value) { std::fwrite(&value, sizeof value, 1, file); }
    void words(const std::vector<uint32_t>& data) {
        if (!data.empty()) std::fwrite(data.data(), sizeof(uint32_t), data.size(), file);
    }
    void longs(const std::vector<uint64_t>& data) {
        if (!data.empty()) std::fwrite(data.data(), sizeof(uint64_t), data.size(), file);
    }
};

[[noreturn]] void fail(const char* message, const char* subject) {
    std::fprintf(stderr, "%s: %s\n", message, subject);
    std::exit(2);
}

#if PROBE_COUNT
// A stream inside the core, read through Verilator's table of public variables.
struct Probe {
    const unsigned width;
    const uint8_t* valid;
    const uint8_t* ready;
    const void* data;
    unsigned bytes;
    std::vector<uint32_t> words;

    static const VerilatedVar* find(const VerilatedScope* scope, const char* prefix, const char* suffix) {
        char name[1024];
        std::snprintf(name, sizeof name, "%s%s", prefix, suffix);
        VerilatedVar* const variable = scope ? scope->varFind(name) : nullptr;
        if (!variable) fail("the top module has no signal of this name", name);
        return variable;
    }
    Probe(const VerilatedScope* scope, const char* prefix, unsigned bits)
        : width{chunks(bits)},
          valid{static_cast<const uint8_t*>(find(scope, prefix, "_valid")->datap())},
          ready{static_cast<const uint8_t*>(find(scope, prefix, "_ready")->datap())} {
        const VerilatedVar* const variable = find(scope, prefix, "_data");
        data = variable->datap();
        switch (variable->vltype()) {
        case VLVT_UINT8: bytes = 1; break;
        case VLVT_UINT16: bytes = 2; break;
        case VLVT_UINT32: bytes = 4; break;
        case VLVT_UINT64: bytes = 8; break;
        case VLVT_WDATA: bytes = 4 * width; break;
        default: fail("this signal has no value that can be recorded", prefix);
        }
        if (bytes > 4 * width && bytes != 8 && width != 1) fail("this signal is wider than its stream", prefix);
    }
    void sample() {
        if (!(*valid && *ready)) return;
        const std::size_t start = words.size();
        words.resize(start + width, 0);
        std::memcpy(&words[start], data, bytes < 4 * width ? bytes : 4 * width);
    }
};
#endif

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) fail("usage", "model STIMULUS RESULT PATIENCE DRAIN [--seed SEED] [--wave FILE] [--weights FILE]");
    const uint64_t patience = std::strtoull(argv[3], nullptr, 10);
    const uint64_t drain = std::strtoull(argv[4], nullptr, 10);
    bool random = false;
    uint64_t seed = 0;
    const char* wave = nullptr;
    const char* weights = nullptr;
    for (int i = 5; i + 1 < argc; i += 2) {
        if (!std::strcmp(argv[i], "--seed")) {
            random = true;
            seed = std::strtoull(argv[i + 1], nullptr, 10);
        } else if (!std::strcmp(argv[i], "--wave")) {
            wave = argv[i + 1];
        } else if (!std::strcmp(argv[i], "--weights")) {
            weights = argv[i + 1];
        } else {
            fail("unknown option", argv[i]);
        }
    }

    FILE* const stimulus = std::fopen(argv[1], "rb");
    if (!stimulus) fail("cannot open", argv[1]);
    uint32_t magic = 0;
    uint64_t images = 0;
    if (std::fread(&magic, sizeof magic, 1, stimulus) != 1 || magic != STIMULUS_MAGIC
        || std::fread(&images, sizeof images, 1, stimulus) != 1) {
        fail("not a stimulus file", argv[1]);
    }
    const uint64_t input_total = images * INPUT_WORDS_PER_IMAGE;
    const uint64_t output_total = images * OUTPUT_WORDS_PER_IMAGE;
    std::vector<uint32_t> input(input_total * INPUT_CHUNKS);
    if (std::fread(input.data(), sizeof(uint32_t), input.size(), stimulus) != input.size()) {
        fail("stimulus file ends early", argv[1]);
    }
    std::fclose(stimulus);

    const std::unique_ptr<VerilatedContext> context{new VerilatedContext};
    // Verilator knows no X. Random initial contents, different for each seed, show a result that hangs on them.
    if (random) {
        context->randReset(2);
        context->randSeed(static_cast<int>(seed & 0x7FFFFFFF) | 1);
    }
#if VM_TRACE
    context->traceEverOn(wave != nullptr);
#endif
    const std::unique_ptr<Vmodel> model{new Vmodel{context.get(), "core"}};
#if VM_TRACE
    VerilatedVcdC vcd;
    if (wave) {
        model->trace(&vcd, 99);
        vcd.open(wave);
        if (!vcd.isOpen()) fail("cannot write the waveform", wave);
    }
#else
    if (wave) fail("built without waveforms", wave);
#endif
    const auto half_cycle = [&](int clock) {
        model->clock = clock;
        model->eval();
#if VM_TRACE
        if (wave) vcd.dump(context->time());
#endif
        context->timeInc(5);
    };

    model->reset = 1;
    model->in_valid = 0;
    model->out_ready = 0;
#if HAS_WEIGHTS
    model->weights_select = 0;
    model->weights_write = 0;
    model->weights_address = 0;
    model->weights_data = 0;
#else
    if (weights) fail("this core has no weight window", weights);
#endif
    for (unsigned i = 0; i < RESET_CYCLES; ++i) {
        half_cycle(0);
        half_cycle(1);
    }
    // In reset: otherwise windows would begin with the padding of the first image meanwhile.
#if HAS_WEIGHTS
    if (weights) {
        FILE* const words = std::fopen(weights, "rb");
        if (!words) fail("cannot open", weights);
        uint32_t access[2];
        model->weights_select = 1;
        model->weights_write = 1;
        while (std::fread(access, sizeof access, 1, words) == 1) {
            model->weights_address = access[0];
            model->weights_data = access[1];
            half_cycle(0);
            half_cycle(1);
        }
        std::fclose(words);
        model->weights_select = 0;
        model->weights_write = 0;
        for (unsigned i = 0; i < WEIGHTS_SETTLE; ++i) {
            half_cycle(0);
            half_cycle(1);
        }
    }
#endif
    model->reset = 0;

#if PROBE_COUNT
    std::vector<Probe> probes;
    const VerilatedScope* const scope = context->scopeFind("core." TOP_NAME);
    for (const ProbeSpec& spec : PROBES) probes.emplace_back(scope, spec.prefix, spec.bits);
#endif

    // The source offers what it has decided to offer until it is taken; the sink may change its mind every cycle.
    Pattern source{!random, seed};
    Pattern sink{!random, ~seed};
    Status status = DONE;
    uint64_t cycle = 0, taken = 0, given = 0, last_progress = 0;
    uint64_t shown_word = ~uint64_t{0};  // index of the word that in_data now shows
    bool offering = false, stalled = false;
    std::vector<uint64_t> image_starts, output_cycles;
    std::vector<uint32_t> output;
    output.reserve(output_total * OUTPUT_CHUNKS);
    output_cycles.reserve(output_total);
    uint32_t word[OUTPUT_CHUNKS] = {}, before[OUTPUT_CHUNKS] = {};
    const uint32_t idle_pattern[2] = {0xA5A5A5A5u & (INPUT_BITS < 32 ? (1u << (INPUT_BITS % 32)) - 1 : ~0u), 0};
    auto reported = std::chrono::steady_clock::now();

    for (;; ++cycle) {
        const bool source_moves = source.next();
        const bool sink_moves = sink.next();
        offering = taken < input_total && (offering || source_moves);
        if (offering && shown_word != taken) {
            put(model->in_data, &input[taken * INPUT_CHUNKS], INPUT_CHUNKS);
            shown_word = taken;
        } else if (!offering && shown_word != ~uint64_t{0}) {
            // What stands on in_data between words must not matter.
            put(model->in_data, idle_pattern, INPUT_CHUNKS > 2 ? 1 : INPUT_CHUNKS);
            shown_word = ~uint64_t{0};
        }
        model->in_valid = offering;
        model->out_ready = sink_moves;
        half_cycle(0);

        const bool take = offering && model->in_ready;
        const bool valid = model->out_valid;
        if (valid || stalled) get(model->out_data, word, OUTPUT_CHUNKS);
        if (stalled && !valid) {
            status = VALID_WITHDRAWN;
            break;
        }
        if (stalled && std::memcmp(word, before, sizeof word) != 0) {
            status = DATA_CHANGED;
            break;
        }
        const bool give = valid && sink_moves;
        stalled = valid && !sink_moves;
        if (stalled) std::memcpy(before, word, sizeof word);
#if PROBE_COUNT
        for (Probe& probe : probes) probe.sample();
#endif
        if (take) {
            if (taken % INPUT_WORDS_PER_IMAGE == 0) image_starts.push_back(cycle);
            ++taken;
            offering = false;
            last_progress = cycle;
        }
        if (give) {
            if (given == output_total) {
                status = SURPLUS_WORD;
                break;
            }
            output.insert(output.end(), word, word + OUTPUT_CHUNKS);
            output_cycles.push_back(cycle);
            ++given;
            last_progress = cycle;
            if (given % OUTPUT_WORDS_PER_IMAGE == 0) {
                const auto now = std::chrono::steady_clock::now();
                if (now - reported > std::chrono::milliseconds(100)) {
                    reported = now;
                    std::printf("done %llu\n", static_cast<unsigned long long>(given / OUTPUT_WORDS_PER_IMAGE));
                    std::fflush(stdout);
                }
            }
        }
        half_cycle(1);
        bool complete = taken == input_total && given == output_total;
#if PROBE_COUNT
        // Words that no output needs may still be on their way when the last output is there.
        for (std::size_t i = 0; i < probes.size(); ++i) {
            complete = complete && probes[i].words.size() / probes[i].width >= images * PROBES[i].words_per_image;
        }
#endif
        if (complete && cycle - last_progress >= drain) break;
        if (!complete && cycle - last_progress >= patience) {
            status = STUCK;
            break;
        }
        if (context->gotFinish()) {
            status = FINISHED_ITSELF;
            break;
        }
    }
#if VM_TRACE
    if (wave) vcd.close();
#endif
    model->final();

    FILE* const result = std::fopen(argv[2], "wb");
    if (!result) fail("cannot write", argv[2]);
    Writer out{result};
    out.u32(RESULT_MAGIC);
    out.u32(status);
    out.u64(cycle);
    out.u64(taken);
    out.u64(given);
    out.words(std::vector<uint32_t>(before, before + OUTPUT_CHUNKS));
    out.words(std::vector<uint32_t>(word, word + OUTPUT_CHUNKS));
    out.u64(image_starts.size());
    out.longs(image_starts);
    out.longs(output_cycles);
    out.words(output);
#if PROBE_COUNT
    for (const Probe& probe : probes) {
        out.u64(probe.words.size() / probe.width);
        out.words(probe.words);
    }
#endif
    if (std::fclose(result) != 0) fail("cannot write", argv[2]);
    return 0;
}
