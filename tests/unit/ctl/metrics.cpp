#include "alg/ctl/metrics.hpp"

#include <doctest/doctest.h>

using namespace sipalg::ctl;

TEST_CASE("OpenMetrics text: types, counters with _total, the end mark") {
    const Json status = Json::parse(
        R"({"uptime_s":90,"calls":2,"queue_overflows":0,"table":"sipalg","flows":{"sip":3,"tls":0},
        "counters":{"rewritten":12,"a\"b\\\n":1}})");
    CHECK(metrics(status) ==
          "# TYPE sipalg_messages counter\n"
          "# HELP sipalg_messages Messages by outcome.\n"
          "sipalg_messages_total{reason=\"rewritten\"} 12\n"
          "sipalg_messages_total{reason=\"a\\\"b\\\\\\n\"} 1\n"
          "# TYPE sipalg_flows gauge\n"
          "# HELP sipalg_flows Signalling flows by content.\n"
          "sipalg_flows{kind=\"sip\"} 3\n"
          "sipalg_flows{kind=\"tls\"} 0\n"
          "# TYPE sipalg_uptime_seconds gauge\n"
          "# HELP sipalg_uptime_seconds Time since the daemon started.\n"
          "sipalg_uptime_seconds 90\n"
          "# TYPE sipalg_calls gauge\n"
          "# HELP sipalg_calls Calls in progress.\n"
          "sipalg_calls 2\n"
          "# TYPE sipalg_queue_overflows counter\n"
          "# HELP sipalg_queue_overflows Times the queue's socket buffer was full.\n"
          "sipalg_queue_overflows_total 0\n"
          "# EOF\n");
}

TEST_CASE("an answer without counters is an error") {
    CHECK_THROWS_AS(metrics(Json::object()), NotServing);
    CHECK_THROWS_AS(metrics(Json::array()), NotServing);
}
