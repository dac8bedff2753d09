// Records of daemons up to 0.2.0, which had all edits in one sequence of bytes: they are only read.
#pragma once

#include <optional>
#include <string_view>

#include "alg/base/time.hpp"

namespace sipalg::tcp {

class Connection;

/// The connection of such a record. nullopt: another record, or damaged.
std::optional<Connection> read_old_record(std::string_view bytes, Time now);

}  // namespace sipalg::tcp
