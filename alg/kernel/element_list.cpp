#include "alg/kernel/element_list.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "alg/kernel/record_fields.hpp"

namespace sipalg {

namespace {

// Increased when the layout changes: a list of another version is not read.
constexpr std::uint8_t layout = 1;
constexpr Seconds grace{60};
constexpr std::int64_t longest_timeout = 24 * 3600;  // C8

// For writing and reading (FieldWriter, FieldReader). The first byte of an element is its place in this list.
void fields(auto& io, auto& mapping) requires requires {
    mapping.is_identity();
}
{
    io.transport(mapping.transport);
    io.endpoint(mapping.inside);
    io.endpoint(mapping.outside);
    io.interface(mapping.interface);
}
void fields(auto& io, auto& pinhole) requires requires {
    pinhole.remote;
}
{
    io.transport(pinhole.transport);
    io.address(pinhole.remote);
    io.endpoint(pinhole.outside);
}

enum class Kind : std::uint8_t { mapping, pinhole, diversion, record, latch, reachable };
constexpr std::uint64_t kinds = 6;

class Writer {
  public:
    explicit Writer(FieldWriter& out) : out_(out) {}

    void operator()(const Mapping& mapping) {
        kind(Kind::mapping);
        fields(out_, mapping);
    }
    void operator()(const Pinhole& pinhole) {
        kind(Kind::pinhole);
        fields(out_, pinhole);
    }
    void operator()(const Diversion& diversion) {
        kind(Kind::diversion);
        out_.socket({diversion.transport, diversion.inside});
    }
    void operator()(const Record& record) {
        kind(Kind::record);
        out_.number(record.id, 4);
        out_.number(record.part, 4);
        out_.text(record.bytes);
    }
    void operator()(const Latch& latch) {
        kind(Kind::latch);
        out_.socket({latch.transport, latch.outside});
    }
    void operator()(const Reachable& reachable) {
        kind(Kind::reachable);
        out_.socket({reachable.transport, reachable.outside});
    }
    template <class Other>
    void operator()(const Other&) {}

  private:
    void kind(Kind kind) { out_.enumerated(kind, kinds); }
    FieldWriter& out_;
};

Element read_element(FieldReader& in) {
    Kind kind{};
    in.enumerated(kind, kinds);
    if (kind == Kind::mapping) {
        Mapping mapping;
        fields(in, mapping);
        return mapping;
    }
    if (kind == Kind::pinhole) {
        Pinhole pinhole;
        fields(in, pinhole);
        return pinhole;
    }
    if (kind == Kind::record) {
        Record record;
        in.number(record.id, 4);
        in.number(record.part, 4);
        in.text(record.bytes);
        return record;
    }
    Socket socket;
    in.socket(socket);
    if (kind == Kind::latch) return Latch{socket.transport, socket.endpoint};
    if (kind == Kind::reachable) return Reachable{socket.transport, socket.endpoint};
    return Diversion{socket.transport, socket.endpoint};
}

// Whether it lets an outside host send to a phone.
bool lets_in(const Element& element) {
    return std::holds_alternative<Pinhole>(element) || std::holds_alternative<Latch>(element) ||
           std::holds_alternative<Reachable>(element);
}

bool is_left_out(const Change& change) {
    return change.op == Change::Op::remove || std::holds_alternative<SequenceMapped>(change.element) ||
           std::holds_alternative<LatchedSource>(change.element);
}

}  // namespace

std::string write_elements(std::span<const Change> changes) {
    FieldWriter out;
    out.number(layout, 1);
    for (const Change& change : changes) {
        if (is_left_out(change)) continue;
        out.number(change.timeout.count(), 4);
        std::visit(Writer(out), change.element);
    }
    return out.take();
}

std::optional<std::vector<Change>> read_elements(std::string_view bytes, Time elapsed) {
    FieldReader in(bytes);
    std::uint8_t version = 0;
    in.number(version, 1);
    if (!in.ok() || version != layout) return std::nullopt;
    std::vector<Change> changes;
    while (in.ok() && !in.is_complete()) {
        std::int64_t timeout = 0;
        in.number(timeout, 4);
        Element element = read_element(in);
        const auto* record = std::get_if<Record>(&element);
        if (timeout > longest_timeout || (record && record->bytes.size() > Record::max_bytes))
            return std::nullopt;
        auto left = std::chrono::ceil<Seconds>(Seconds{timeout} - elapsed);
        if (!lets_in(element)) left = std::max(left, grace);
        if (left > Seconds{0}) changes.push_back({Change::Op::add, std::move(element), left});
    }
    if (!in.ok()) return std::nullopt;
    return changes;
}

}  // namespace sipalg
