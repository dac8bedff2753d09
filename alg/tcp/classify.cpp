#include "alg/tcp/classify.hpp"

namespace sipalg::tcp {

namespace {

// Before the SYN-ACK nothing is read. A segment of the opener with the next sequence number and an
// acknowledgement shows that the SYN-ACK has passed unseen.
Step::Action classify_unanswered(const Direction& direction, const Carrier& carrier) {
    constexpr Position widest = 65535;
    const bool plausible = direction.known() && carrier.segment.has(Segment::ack) &&
                           !carrier.segment.has(Segment::rst) && carrier.begin >= 0 &&
                           carrier.begin <= widest;
    return plausible ? Step::Action::refuse : Step::Action::none;
}

}  // namespace

Step::Action classify(Connection& connection, Side from, const Carrier& carrier) {
    const Phase phase = connection.phase();
    if (phase == Phase::refused || phase == Phase::bytes_lost) return Step::Action::refuse;
    const Direction& direction = connection.direction(from);
    Direction& other = connection.direction(opposite(from));
    const Segment& segment = carrier.segment;
    if (!direction.known() || !other.known()) return classify_unanswered(direction, carrier);
    if (segment.has(Segment::rst)) return Step::Action::reset;
    const Step::Action ignore = connection.needs_us() ? Step::Action::drop : Step::Action::pass;
    if (!segment.has(Segment::ack)) return ignore;
    if (direction.has_unseen_bytes(carrier.begin, carrier.end)) return Step::Action::refuse;
    const Position acknowledged = connection.acknowledged_by(from, segment);
    if (!other.is_acceptable_ack(acknowledged)) {
        const bool unseen = acknowledged > other.last_ack() && other.note_unseen_ack(acknowledged);
        return unseen ? Step::Action::refuse : ignore;
    }
    if (direction.is_in_window(carrier.begin, carrier.end)) return Step::Action::data;
    return carrier.end < direction.acknowledged_in() ? Step::Action::repeat : ignore;
}

}  // namespace sipalg::tcp
