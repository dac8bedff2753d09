#include "alg/tcp/message_reader.hpp"

namespace sipalg::tcp {

MessageReader::Outcome MessageReader::read() {
    Outcome outcome = Outcome::read;
    while (const auto piece = direction_.next()) {
        switch (piece->kind) {
            case sip::Kind::message:
            case sip::Kind::oversize:
                if (!connection_.may_read(from_)) {
                    reasons_.push_back(Reason::unread_stream);
                    continue;
                }
                if (!read_message(*piece)) return Outcome::ask_first;
                break;
            case sip::Kind::keep_alive:
            case sip::Kind::stun: reasons_.push_back(sink_.reason_of(piece->kind)); break;
            default:
                reasons_.push_back(sink_.reason_of(piece->kind));
                // After other bytes the stream is never read again (X5).
                direction_.stop_reading();
                if (!connection_.from_phone.spoke_sip && !connection_.from_peer.spoke_sip)
                    outcome = Outcome::not_sip;
                break;
        }
        sink_.note(connection_.key, from_, reasons_.back(), piece->bytes, now_);
    }
    if (!connection_.may_read(from_) && direction_.parsed() < direction_.received())
        direction_.pass_incomplete();  // it would not be changed
    return outcome;
}

bool MessageReader::read_message(const Direction::Piece& piece) {
    if (direction_.edit_count() >= Direction::max_edits) {
        reasons_.push_back(Reason::limit_reached);
        return true;
    }
    const MessageResult result = sink_.inspect({connection_.key, from_, connection_.egress, answered_,
                                                piece.bytes, piece.kind == sip::Kind::oversize},
                                               now_);
    if (result.ask_first) return false;
    if (piece.kind == sip::Kind::oversize && result.reason != Reason::oversize)
        reasons_.push_back(Reason::oversize);
    reasons_.push_back(result.reason);
    const bool malformed = result.reason == Reason::malformed || result.reason == Reason::truncated ||
                           result.reason == Reason::too_many_headers || result.reason == Reason::not_sip;
    if (!malformed) direction_.spoke_sip = true;
    if (!result.edits) return true;
    for (const rewrite::Edit& edit : result.edits->planned()) {
        const Position begin = piece.begin + edit.offset;
        direction_.plan(begin, begin + edit.length, result.edits->text(edit));
    }
    return true;
}

}  // namespace sipalg::tcp
