// Reads the record of a connection (T4, A5).
#pragma once

#include <optional>
#include <string_view>

#include "alg/base/time.hpp"

namespace sipalg::tcp {

class Connection;

/// The connection of a record, whose pieces are joined in any order; or of an old record. nullopt: not the
/// record of a connection, damaged, or a piece is missing.
std::optional<Connection> read_record(std::string_view bytes, Time now);

}  // namespace sipalg::tcp
