#include "alg/dialog/received_message.hpp"

namespace sipalg {

Side ReceivedMessage::requester() const {
    return message.is_request() ? from : (from == Side::inside ? Side::outside : Side::inside);
}

std::string_view ReceivedMessage::local_tag() const {
    return requester() == Side::inside ? message.from_tag() : message.to_tag();
}

std::string_view ReceivedMessage::remote_tag() const {
    return requester() == Side::inside ? message.to_tag() : message.from_tag();
}

std::string_view ReceivedMessage::branch() const {
    return message.top_via().branch.substr(0, max_branch);
}

}  // namespace sipalg
