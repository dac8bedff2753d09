#include "alg/dialog/received_message.hpp"

namespace sipalg {

Side ReceivedMessage::requester() const {
    return message.is_request() ? from : opposite(from);
}

std::string_view ReceivedMessage::local_tag() const {
    return requester() == Side::inside ? message.from_tag() : message.to_tag();
}

std::string_view ReceivedMessage::remote_tag() const {
    return requester() == Side::inside ? message.to_tag() : message.from_tag();
}

std::string_view ReceivedMessage::branch() const {
    return message.top_via().branch;
}

bool ReceivedMessage::has_bounded_identifiers() const {
    return message.call_id().size() <= max_identifier && message.from_tag().size() <= max_identifier &&
           message.to_tag().size() <= max_identifier && branch().size() <= max_identifier;
}

}  // namespace sipalg
