// Tells the service manager about the state of the service, as sd_notify(3) does.
#pragma once

#include <string_view>

namespace sipalg {

/// Sends `state` ("READY=1\nSTATUS=…") as one datagram to the socket that $NOTIFY_SOCKET names: a path, or an
/// abstract name after "@". Without that variable nothing is sent. Failures are ignored, because the service
/// also works without a manager; a manager ends a service that does not send READY=1.
void tell_service_manager(std::string_view state);

}  // namespace sipalg
