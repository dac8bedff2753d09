// One nftables rule, built statement by statement, as the kernel's expressions and as nft's text.
#pragma once

#include <libnftnl/rule.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "nft/batch.hpp"
#include "nft/field.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

struct FreeRule {
    void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};
using RuleHandle = std::unique_ptr<nftnl_rule, FreeRule>;

enum class Interface : std::uint8_t { in, out };
/// The origin of offsets: the transport header, or the payload after it.
enum class Origin : std::uint8_t { transport, payload };
enum class Nat : std::uint8_t { source, destination };

/// Whether a match is written as nft's own expressions or as an x_tables match. iptables-nft refuses to list
/// a table with native expressions.
enum class Dialect : std::uint8_t { nft, xtables };

/// The statements of a rule apply in the order of the calls; the rule ends at a match that fails.
class Rule {
  public:
    /// `family`: that of the chain's table. In an inet table, a match on addresses also matches their family.
    explicit Rule(std::uint8_t family);

    /// The transport is not in `set`.
    Rule& no_transport_of(std::string_view set);
    /// The packet has this mark.
    Rule& packet_marked(std::uint32_t mark);
    /// Connection tracking does not see the packet.
    Rule& untracked();
    Rule& carried_by(Transport transport);
    Rule& not_carried_by(Transport transport);
    /// The bytes at `offset` are `value` (at most four). A shorter packet does not match.
    Rule& bytes(Origin origin, std::uint32_t offset, std::initializer_list<std::uint8_t> value);
    /// The `size` bytes at `offset` are in `set`.
    Rule& bytes_in(Origin origin, std::uint32_t offset, std::uint32_t size, std::string_view set);
    /// Matches at most `per_second` packets per second; packets above the rate do not match.
    Rule& limit(std::uint32_t per_second, std::uint32_t burst);
    Rule& interface(Interface which, std::string_view set, bool listed = true);
    Rule& fields(std::initializer_list<Field> fields, std::string_view set, bool listed = true);
    /// The route to the packet's destination leaves by an interface of `set`.
    Rule& routed_to(std::string_view set);
    /// The route to the packet's source leaves by the interface that the packet came in by.
    Rule& routed_back();
    /// The packet's source is not a unicast address of another host: it is the router's own, a broadcast or
    /// multicast address, or has no route.
    Rule& not_from_a_host();
    /// The first `length` bits of the packet's source are those of `prefix`; `length` is a multiple of 8 for
    /// IPv4.
    Rule& from_prefix(const Address& prefix, std::uint32_t length);
    /// Counts the packets that reach this statement.
    Rule& count();
    /// Adds the fields to `set`, or renews them, with this timeout.
    Rule& update(std::initializer_list<Field> fields, std::string_view set, std::chrono::seconds timeout);
    /// The connection has no packet in the reply direction yet.
    Rule& unanswered();
    /// The IPv4 host that opened the connection, by its address before NAT, is in `set`.
    Rule& opened_by(std::string_view set);
    /// Notes in `map` how NAT has translated the connection's opener: public address . public port . address
    /// : port, with this timeout.
    Rule& note_source_nat(std::string_view map, std::chrono::seconds timeout);
    /// Notes in `map`, under the fields, the name of the interface by which the packet leaves.
    Rule& note_interface(std::initializer_list<Field> fields, std::string_view map,
                         std::chrono::seconds timeout);
    /// Removes the fields from `set`.
    Rule& remove(std::initializer_list<Field> fields, std::string_view set);
    Rule& mark_connection(std::uint32_t bit);
    /// Sets the bit in the packet's own mark.
    Rule& mark_packet(std::uint32_t bit);
    /// Assigns the helper of an object of the table to the connection, if this is its first packet and it has
    /// no helper yet.
    Rule& assign_helper(std::string_view object);
    /// Connection tracking has seen packets of the connection in both directions.
    Rule& established();
    Rule& connection_marked(std::uint32_t bit, Dialect dialect);
    /// The packet goes in the direction of the connection's first packet.
    Rule& original_direction(Dialect dialect);

    Rule& accept();
    Rule& drop();
    Rule& goto_chain(std::string_view chain);
    Rule& jump_chain(std::string_view chain);
    /// NAT to the address and port in `map` for the fields; the rule does not match if there is no entry.
    Rule& translate(Nat direction, std::initializer_list<Field> fields, std::string_view map);
    /// Queues to one of `total` queues from `number` on, chosen by a hash of both addresses. If the queue has
    /// no reader, the packet is accepted with `bypass`, else dropped.
    Rule& queue(QueueMethod method, std::uint16_t number, std::uint16_t total, bool bypass = true);
    /// A comment at the end of the rule (nft) or as the x_tables match `comment`.
    Rule& comment(std::string_view text, Dialect dialect);

    std::string text() const { return text_ + comment_; }
    /// Adds the message that puts the rule at the end (or the head) of a chain.
    void add_to(Batch& batch, std::string_view table, std::string_view chain, bool at_head = false) const;

  private:
    void say(std::string_view words);
    void ensure_family(Field field);
    std::string load(std::initializer_list<Field> fields);
    void load(Origin origin, std::uint32_t offset, std::uint32_t size);
    Rule& end(std::string_view word, std::uint32_t code, std::string_view chain = {});

    RuleHandle rule_;
    std::uint8_t family_;
    std::uint8_t ensured_ = 0;  ///< the address family that the rule already matches
    std::string text_;
    std::string comment_;  ///< written last, as by nft
};

}  // namespace sipalg::nft
