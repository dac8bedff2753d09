// The interface through which TCP connections use the rest of the core. Tests have their own implementations.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/kernel/element.hpp"
#include "alg/policy/policy.hpp"
#include "alg/policy/reason.hpp"
#include "alg/rewrite/edits.hpp"
#include "alg/sip/splitter.hpp"
#include "alg/tcp/connection_key.hpp"

namespace sipalg::tcp {

/// A SIP message in the stream of one end.
struct StreamMessage {
    const ConnectionKey& key;
    Side from;
    const Egress& egress;
    bool answered;  ///< see Arrival
    std::string_view
        bytes;  ///< the whole message; of an oversize one, the head and the beginning of the body
    bool oversize;
};

/// The outcome of a message. Without `edits` it is forwarded unmodified. The reason of an oversize message
/// that cannot be inspected is `oversize`.
struct MessageResult {
    Reason reason = Reason::unchanged;
    bool ask_first = false;  ///< nothing was decided: the message has questions to be answered first
    const rewrite::Edits* edits = nullptr;  ///< valid until the next call; offsets count from the message
};

/// All changes are staged: the caller commits or cancels them.
class MessageSink {
  public:
    virtual ~MessageSink() = default;

    /// Parses and inspects one message.
    [[nodiscard]] virtual MessageResult inspect(const StreamMessage& message, Time now) = 0;
    /// For the list of flows: the connection was opened by `from`.
    virtual void note_opened(const ConnectionKey& key, Side from, Time now) = 0;
    /// For the list of flows: the kind of a message, or of other bytes of the stream.
    virtual void note(const ConnectionKey& key, Side from, Reason reason, std::string_view bytes,
                      Time now) = 0;
    /// The reason for bytes that are not a message.
    [[nodiscard]] virtual Reason reason_of(sip::Kind kind) const = 0;

    /// Makes the NAT mapping of a phone's end, if there is none. False: not possible (X2, X7).
    [[nodiscard]] virtual bool map(const Endpoint& phone, const Egress& egress, Time now) = 0;
    /// Acquires the NAT mapping of a phone's end until `until`. False: there is none.
    [[nodiscard]] virtual bool acquire(const Endpoint& phone, const Egress& egress, Time until, Time now,
                                       std::vector<Change>& changes) = 0;
    /// Extends an acquired mapping to `until`.
    virtual void refresh(const Endpoint& phone, const Egress& egress, Time until, Time now,
                         std::vector<Change>& changes) = 0;
    virtual void release(const Endpoint& phone, const Egress& egress, Time now,
                         std::vector<Change>& changes) = 0;

    /// A new id for a record.
    [[nodiscard]] virtual std::uint32_t next_record_id() = 0;
};

}  // namespace sipalg::tcp
