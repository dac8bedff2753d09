#include "alg/tcp/connection_record.hpp"

#include <algorithm>

#include "alg/kernel/record.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/message_sink.hpp"

namespace sipalg::tcp {

namespace {

// Longer than conntrack keeps an idle connection (nf_conntrack_tcp_timeout_established), so that none of its
// segments passes untranslated while there is no daemon.
constexpr Seconds record_time{6 * 24 * 3600};
constexpr Time mapped_renewal{12 * 3600 * 1000};

// Increased when the layout changes. Records of calls and bindings begin with other numbers.
constexpr std::uint8_t layout = 0xd2, layout_without_opener = 0xd1;
constexpr std::size_t max_edits = 4096;

// The fields of a record, in both directions: visit() names them once.
class Writing {
  public:
    template <class T>
    void number(const T& value, unsigned bytes) {
        out_.number(static_cast<std::uint64_t>(value), bytes);
    }
    void text(const std::string& value) { out_.text(value); }
    void address(const Address& value) { out_.address(value); }
    void endpoint(const Endpoint& value) { out_.endpoint(value); }
    bool ok() const { return true; }
    std::string take() { return out_.take(); }

  private:
    RecordWriter out_;
};

class Reading {
  public:
    explicit Reading(std::string_view bytes) : in_(bytes) {}
    template <class T>
    void number(T& value, unsigned bytes) {
        value = static_cast<T>(in_.number(bytes));
    }
    void text(std::string& value) { value = in_.text(); }
    void address(Address& value) { value = in_.address(); }
    void endpoint(Endpoint& value) { value = in_.endpoint(); }
    bool ok() const { return in_.ok(); }
    bool at_end() const { return in_.at_end(); }

  private:
    RecordReader in_;
};

struct DirectionFields {
    Direction::Saved saved;
    std::uint16_t mss = 0;
    std::uint8_t window_scale = 0;
    bool sack = false, timestamps = false;
};

struct Fields {
    std::uint8_t layout = 0;
    ConnectionKey key;
    Egress egress;
    Side opener = Side::inside;
    DirectionFields from_phone, from_peer;
};

// Offsets of edits count back from `parsed`, so that they are small.
template <class Archive>
void visit(Archive& archive, DirectionFields& fields, bool with_spoke) {
    Direction::Saved& saved = fields.saved;
    archive.number(saved.initial, 4);
    archive.number(saved.parsed, 8);
    archive.number(saved.acknowledged_out, 8);
    archive.number(saved.local_ack, 8);
    archive.number(saved.base, 8);
    archive.number(fields.mss, 2);
    archive.number(fields.window_scale, 1);
    std::uint8_t options = static_cast<std::uint8_t>((fields.sack ? 1 : 0) | (fields.timestamps ? 2 : 0));
    if (with_spoke) options = static_cast<std::uint8_t>(options | (saved.spoke_sip ? 4 : 0));
    archive.number(options, 1);
    if (with_spoke) saved.spoke_sip = (options & 4) != 0;
    fields.sack = (options & 1) != 0;
    fields.timestamps = (options & 2) != 0;
    std::size_t count = saved.edits.size();
    archive.number(count, 2);
    saved.edits.resize(std::min(count, max_edits));
    for (SequenceMap::Edit& edit : saved.edits) {
        if (!archive.ok()) return;
        Position back = saved.parsed - edit.begin, length = edit.end - edit.begin;
        archive.number(back, 4);
        archive.number(length, 4);
        edit.begin = saved.parsed - back;
        edit.end = edit.begin + length;
        archive.text(edit.text);
    }
}

template <class Archive>
void visit(Archive& archive, Fields& fields) {
    archive.number(fields.layout, 1);
    archive.endpoint(fields.key.phone);
    archive.endpoint(fields.key.peer);
    archive.address(fields.egress.address);
    archive.address(fields.egress.advertised);
    const bool with_opener = fields.layout != layout_without_opener;
    if (with_opener) archive.number(fields.opener, 1);
    visit(archive, fields.from_phone, with_opener);
    visit(archive, fields.from_peer, with_opener);
}

DirectionFields fields_of(const Direction& direction) {
    return {direction.save(), direction.mss, direction.window_scale, direction.sack, direction.timestamps};
}

void restore(Direction& direction, DirectionFields fields) {
    direction.restore(std::move(fields.saved));
    direction.mss = fields.mss;
    direction.window_scale = fields.window_scale;
    direction.sack = fields.sack;
    direction.timestamps = fields.timestamps;
}

std::int64_t growth(const Direction& direction) {
    std::int64_t sum = direction.map().length();
    for (const SequenceMap::Edit& edit : direction.planned())
        sum += static_cast<std::int64_t>(edit.text.size()) - (edit.end - edit.begin);
    return sum;
}

}  // namespace

std::string write_record(const Connection& connection) {
    Fields fields{layout,
                  connection.key,
                  connection.egress,
                  connection.opener,
                  fields_of(connection.from_phone),
                  fields_of(connection.from_peer)};
    Writing archive;
    visit(archive, fields);
    return archive.take();
}

std::optional<Connection> read_record(std::string_view bytes, Time now) {
    const std::uint8_t first = bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes[0]);
    if (first != layout && first != layout_without_opener) return std::nullopt;
    Reading archive(bytes);
    Fields fields;
    visit(archive, fields);
    if (!archive.ok() || !archive.at_end()) return std::nullopt;
    std::optional<Connection> connection(std::in_place, fields.key, fields.egress, fields.opener, now);
    restore(connection->from_phone, std::move(fields.from_phone));
    restore(connection->from_peer, std::move(fields.from_peer));
    return connection;
}

void ConnectionRecord::update(const Connection& connection, MessageSink& sink, Time now,
                              std::vector<Change>& changes) {
    if (id_ == 0) id_ = sink.next_record_id();
    pending_ = write_record(connection);
    store_record(id_, stored_, pending_, true, record_time, changes);
    pending_mapped_at_ = mapped_at_;
    const bool needs_us = growth(connection.from_phone) != 0 || growth(connection.from_peer) != 0 ||
                          connection.from_phone.planned_local_ack() > 0 ||
                          connection.from_peer.planned_local_ack() > 0;
    if (mapped_at_ ? now - *mapped_at_ < mapped_renewal : !needs_us) return;
    changes.push_back({mapped_at_ ? Change::Op::renew : Change::Op::add,
                       SequenceMapped{connection.key.phone, connection.key.peer}, record_time});
    pending_mapped_at_ = now;
}

void ConnectionRecord::conclude(bool in_force) {
    if (in_force && !pending_.empty()) {
        stored_ = std::move(pending_);
        mapped_at_ = pending_mapped_at_;
    }
    pending_.clear();
}

void ConnectionRecord::remove(const ConnectionKey& key, std::vector<Change>& changes) const {
    if (id_ != 0) store_record(id_, stored_, {}, false, Seconds{0}, changes);
    if (mapped_at_) changes.push_back({Change::Op::remove, SequenceMapped{key.phone, key.peer}, Seconds{0}});
}

void ConnectionRecord::list(const ConnectionKey& key, std::vector<Change>& changes) const {
    if (is_stored()) store_record(id_, {}, stored_, false, record_time, changes);
    if (mapped_at_) changes.push_back({Change::Op::add, SequenceMapped{key.phone, key.peer}, record_time});
}

}  // namespace sipalg::tcp
