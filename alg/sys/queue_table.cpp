#include "alg/sys/queue_table.hpp"

#include <sstream>
#include <string>

namespace sipalg {

// Columns: queue, port id of the reader, waiting, copy mode, copy range, dropped at a full queue, dropped at
// a full socket, last packet, 1.
std::vector<QueueRow> read_queue_table(std::istream& table) {
    std::vector<QueueRow> rows;
    for (std::string line; std::getline(table, line);) {
        std::istringstream words(line);
        QueueRow row;
        std::uint64_t reader = 0, mode = 0, range = 0;
        if (words >> row.number >> reader >> row.waiting >> mode >> range >> row.full_queue >>
            row.full_socket)
            rows.push_back(row);
    }
    return rows;
}

}  // namespace sipalg
