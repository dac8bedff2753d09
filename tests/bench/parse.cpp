// Measures the cost of reading a message, of reading and rewriting it, and of inspect(), and compares them
// with the cost of reading in other SIP libraries. All read the same messages in one run.
//
// A kind's variants are one batch, so that it can be timed as a whole and callgrind can be told where it
// begins and ends. Each round goes through all kinds, and for each kind through all subjects, beginning with
// another one each time.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "alg/core/state.hpp"
#include "alg/nat/translate.hpp"
#include "alg/rewrite/media.hpp"
#include "alg/rewrite/signalling.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/uri.hpp"
#include "alg/sip/via.hpp"
#include "tests/allocations.hpp"
#include "tests/bench/reader.hpp"
#include "tests/bench/replay.hpp"
#include "tests/bench/variants.hpp"

namespace bench {

std::vector<OtherParser>& other_parsers() {
    static std::vector<OtherParser> parsers;
    return parsers;
}

namespace {

using sipalg::Side;
using Clock = std::chrono::steady_clock;

constexpr sipalg::Time now{1000};

/// A variant, and the rewritten message.
struct Item {
    Side from;
    sipalg::Socket phone;
    std::string text;
    Packet packet;
    std::string result;
};

struct Batch {
    const char* name;
    std::span<const Item> items;
    double bytes = 0;  ///< mean
};

/// Plays the script through a core and keeps the rewritten form of every message.
class Recorder : public Carrier {
  public:
    explicit Recorder(std::size_t phones) : core_(outside_address, 3 * phones) {
        std::size_t first = 0;
        for (const Kind& kind : make_variants(phones, *this)) {
            Batch batch{kind.name, std::span(items_).subspan(first, kind.variants.size())};
            for (const Variant& variant : kind.variants)
                batch.bytes += static_cast<double>(variant.text.size()) / static_cast<double>(phones);
            first += kind.variants.size();
            batches_.push_back(batch);
        }
    }

    std::string carry(const Variant& variant) override {
        const bool out = variant.from == Side::inside;
        const Endpoint& phone = out ? variant.source : variant.destination;
        Item item{variant.from,
                  {sipalg::Transport::udp, {sipalg::Address::parse(phone.address).value(), phone.port}},
                  variant.text,
                  packet(variant.source, variant.destination, variant.text),
                  variant.text};
        const sipalg::Decision& decision = core_.take(item.from, item.packet, now);
        if (decision.rewritten) item.result = decision.payload;
        items_.push_back(std::move(item));
        return items_.back().result;
    }

    Core& core() { return core_; }
    const std::vector<Batch>& batches() const { return batches_; }

  private:
    Core core_;
    std::vector<Item> items_;
    std::vector<Batch> batches_;
};

/// A subject of the comparison, which gets every message.
class Subject {
  public:
    Subject(const char* name, bool ours) : name_(name), ours_(ours) {}
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    virtual ~Subject() = default;

    const char* name() const { return name_; }
    bool ours() const { return ours_; }
    /// Before the first kind of every round.
    virtual void begin_round() {}
    /// False: the message was not understood.
    virtual bool take(const Item& item) = 0;
    /// Whether the last one has the expected result.
    virtual bool is_right(const Item&) const { return true; }

  private:
    const char* name_;
    bool ours_;
};

/// Parses the parts that other libraries parse too: Vias, the URIs of every header that has some, the
/// description.
class Parse : public Subject {
  public:
    Parse() : Subject("parse", true) {}
    bool take(const Item& item) override {
        if (message_.parse(item.text) != sipalg::sip::ParseError::none) return false;
        if (!sipalg::sip::parse_uri(message_.from_uri()) || !sipalg::sip::parse_uri(message_.to_uri()))
            return false;
        for (const sipalg::sip::Header& header : message_.headers())
            if (!read(header)) return false;
        const sipalg::sip::Bodies bodies = sipalg::sip::find_sdp(message_);
        for (std::size_t i = 0; i < bodies.sdp.size(); ++i)
            if (!description_.parse(bodies.sdp[i].text)) return false;
        return true;
    }

  private:
    bool read(const sipalg::sip::Header& header) const {
        using sipalg::sip::HeaderId;
        std::string_view rest = header.value;
        switch (header.id) {
            case HeaderId::via:
                // The first one has been read with the message.
                while (&header != message_.first(HeaderId::via) && !rest.empty())
                    if (!sipalg::sip::next_via(rest)) return false;
                return true;
            case HeaderId::contact:
            case HeaderId::route:
            case HeaderId::record_route:
            case HeaderId::p_asserted_identity:
                while (!rest.empty()) {
                    const auto value = sipalg::sip::next_name_addr(rest);
                    if (!value || !sipalg::sip::parse_uri(value->uri)) return false;
                }
                return true;
            default: return true;
        }
    }

    sipalg::sip::Message message_;
    sipalg::sdp::Description description_;
};

/// Parsing and rewriting, with a state that already has the mappings.
class Rewrite : public Subject {
  public:
    explicit Rewrite(Core& core) : Subject("parse + rewrite", true), core_(core) {}

    bool take(const Item& item) override {
        sipalg::State& state = core_.state();
        if (state.message.parse(item.text) != sipalg::sip::ParseError::none) return false;
        if (item.from == Side::inside)
            write(state, sipalg::nat::Outward(state.mappings, item.phone, core_.egress()));
        else
            write(state, sipalg::nat::Inward(state.mappings, item.phone, core_.egress()));
        return true;
    }
    bool is_right(const Item& item) const override { return (changed_ ? out_ : item.text) == item.result; }

  private:
    void write(sipalg::State& state, const sipalg::rewrite::Translation& translation) {
        const sipalg::sip::Bodies bodies = sipalg::sip::find_sdp(state.message);
        state.edits.start(state.message.bytes());
        sipalg::rewrite::plan_head(state.message, translation, state.edits);
        if (bodies.sdp.size() > 0)
            sipalg::rewrite::plan_body(state.message, bodies, translation, state.description, state.edits);
        changed_ = !state.edits.empty();
        if (changed_) state.edits.apply(out_);
    }

    Core& core_;
    std::string out_;
    bool changed_ = false;
};

/// Everything: packet, calls, registrations, changes for the kernel. Each round on a new state.
class Inspect : public Subject {
  public:
    explicit Inspect(std::size_t phones) : Subject("inspect", true), phones_(phones) {}
    void begin_round() override { core_.emplace(outside_address, 3 * phones_); }
    bool take(const Item& item) override {
        decision_ = &core_->take(item.from, item.packet, now);
        return true;
    }
    bool is_right(const Item& item) const override {
        return (decision_->rewritten ? decision_->payload : item.text) == item.result;
    }

  private:
    std::size_t phones_;
    std::optional<Core> core_;
    const sipalg::Decision* decision_ = nullptr;
};

class Other : public Subject {
  public:
    explicit Other(const OtherParser& parser) : Subject(parser.name, false), read_(parser.read) {}
    bool take(const Item& item) override { return read_(item.text); }

  private:
    bool (*read_)(std::string_view);
};

/// One subject's figures for one kind.
struct Row {
    Subject* subject;
    const Batch* batch;
    std::vector<double> ns;       ///< a message, of every round
    std::size_t allocations = 0;  ///< of the last round
};

// The measured code. It and note_batch() are separate functions, so that callgrind can be told where a batch
// begins and ends.
[[gnu::noinline]] std::size_t replay_batch(Subject& subject, const Batch& batch) {
    std::size_t taken = 0;
    for (const Item& item : batch.items)
        taken += subject.take(item) ? 1 : 0;
    return taken;
}

[[gnu::noinline]] void note_batch(Row& row, std::size_t taken, std::size_t allocated,
                                  std::chrono::duration<double, std::nano> took) {
    if (taken != row.batch->items.size())
        throw std::runtime_error(std::string(row.subject->name()) + " does not understand " +
                                 row.batch->name);
    row.allocations = allocated;
    row.ns.push_back(took.count() / static_cast<double>(row.batch->items.size()));
}

/// Runs every subject once, to check the results and to let buffers grow.
void check(Subject& subject, const std::vector<Batch>& batches) {
    subject.begin_round();
    for (const Batch& batch : batches)
        for (const Item& item : batch.items)
            if (!subject.take(item) || !subject.is_right(item))
                throw std::runtime_error(std::string(subject.name()) + " got this " + batch.name +
                                         " wrong:\n" + item.text);
}

void measure(std::vector<std::unique_ptr<Subject>>& subjects, const std::vector<Batch>& batches,
             std::size_t rounds, std::vector<Row>& rows) {
    for (const Batch& batch : batches)
        for (const auto& subject : subjects)
            rows.push_back({subject.get(), &batch, {}});
    for (Row& row : rows)
        row.ns.reserve(rounds);
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const auto& subject : subjects)
            subject->begin_round();
        for (std::size_t b = 0; b < batches.size(); ++b)
            for (std::size_t turn = 0; turn < subjects.size(); ++turn) {
                Row& row = rows[b * subjects.size() + (turn + round) % subjects.size()];
                const std::size_t before = test::allocations;
                const auto begin = Clock::now();
                const std::size_t taken = replay_batch(*row.subject, *row.batch);
                const auto took = Clock::now() - begin;
                note_batch(row, taken, test::allocations - before, took);
            }
    }
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void print(const std::vector<Row>& rows) {
    const char* comma = "";
    std::printf("[");
    for (const Row& row : rows) {
        const auto count = static_cast<double>(row.batch->items.size());
        std::printf("%s\n{\"message\": \"%s\", \"bytes\": %.0f, \"reader\": \"%s\", \"ns\": %.0f", comma,
                    row.batch->name, row.batch->bytes, row.subject->name(), median(row.ns));
        // Unknown for the libraries in C, which do not use operator new.
        if (row.subject->ours())
            std::printf(", \"allocations\": %.3f", static_cast<double>(row.allocations) / count);
        std::printf("}");
        comma = ",";
    }
    std::printf("\n]\n");
}

void run(std::size_t phones, std::size_t rounds) {
    Recorder recorder(phones);
    std::vector<std::unique_ptr<Subject>> subjects;
    subjects.push_back(std::make_unique<Parse>());
    subjects.push_back(std::make_unique<Rewrite>(recorder.core()));
    subjects.push_back(std::make_unique<Inspect>(phones));
    for (const OtherParser& parser : other_parsers())
        subjects.push_back(std::make_unique<Other>(parser));
    for (const auto& subject : subjects)
        check(*subject, recorder.batches());
    std::vector<Row> rows;
    measure(subjects, recorder.batches(), rounds, rows);
    print(rows);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    const long variants = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 200;
    const long rounds = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 41;
    if (argc > 3 || variants < 1 || variants > 900 || rounds < 1 || rounds > 10000) {
        std::fprintf(stderr, "usage: parse_bench [VARIANTS (1 to 900, 200)] [ROUNDS (41)]\n");
        return 2;
    }
    try {
        bench::run(static_cast<std::size_t>(variants), static_cast<std::size_t>(rounds));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "parse_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
