#include "alg/ctl/metrics.hpp"

#include <doctest/doctest.h>

using namespace sipalg::ctl;

TEST_CASE("OpenMetrics text: types, counters with _total, the end mark") {
    const Json status = Json::parse(
        R"({"uptime_s":90,"calls":2,"queue_overflows":0,"table":"sipalg","calls_ended":{"bye":4},"flows":{"sip":3,"tls":0},
        "counters":{"rewritten":12,"a\"b\\\n":1}})");
    CHECK(metrics(status) ==
          "# TYPE sipalg_messages counter\n"
          "# HELP sipalg_messages Messages by outcome.\n"
          "sipalg_messages_total{reason=\"rewritten\"} 12\n"
          "sipalg_messages_total{reason=\"a\\\"b\\\\\\n\"} 1\n"
          "# TYPE sipalg_calls_ended counter\n"
          "# HELP sipalg_calls_ended Calls by the reason of their end.\n"
          "sipalg_calls_ended_total{reason=\"bye\"} 4\n"
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

TEST_CASE("O6 OpenMetrics text: build, latency, limits, queues") {
    const Json status = Json::parse(R"({"version":"9.9","warnings":["a"],"counters":{},"queue":5060,
        "shifted_queue":5061,"watch_queue":5062,"latency":{"sum_us":1500,"buckets":[{"up_to_us":50,"packets":3},
        {"up_to_us":1000,"packets":0},{"up_to_us":null,"packets":2}]}})");
    const Json limits = Json::parse(R"([{"name":"calls","limit":100,"in_use":7,"behaviour":"x"},
        {"name":"unanswered calls to a phone","limit":5,"in_use":null}, 3])");
    const std::string queues =
        " 5060   1234     7 2 65535     3     4     9999  1\n   17   1235     1 2 65535     0     0        1 "
        " 1\n";
    CHECK(
        metrics(status, limits, queues) ==
        "# TYPE sipalg_build info\n"
        "# HELP sipalg_build Version of sipalgd.\n"
        "sipalg_build_info{version=\"9.9\"} 1\n"
        "# TYPE sipalg_messages counter\n"
        "# HELP sipalg_messages Messages by outcome.\n"
        "# TYPE sipalg_warnings gauge\n"
        "# HELP sipalg_warnings Warnings of sipalgctl status.\n"
        "sipalg_warnings 1\n"
        "# TYPE sipalg_verdict_seconds histogram\n"
        "# UNIT sipalg_verdict_seconds seconds\n"
        "# HELP sipalg_verdict_seconds Time from reading a packet to its verdict.\n"
        "sipalg_verdict_seconds_bucket{le=\"5e-05\"} 3\n"
        "sipalg_verdict_seconds_bucket{le=\"0.001\"} 3\n"
        "sipalg_verdict_seconds_bucket{le=\"+Inf\"} 5\n"
        "sipalg_verdict_seconds_count 5\n"
        "sipalg_verdict_seconds_sum 0.0015\n"
        "# TYPE sipalg_limit gauge\n"
        "# HELP sipalg_limit Limit of a table.\n"
        "sipalg_limit{name=\"calls\"} 100\n"
        "sipalg_limit{name=\"unanswered calls to a phone\"} 5\n"
        "# TYPE sipalg_limit_in_use gauge\n"
        "# HELP sipalg_limit_in_use Use of a table; for the limit of one host, by the host that uses most.\n"
        "sipalg_limit_in_use{name=\"calls\"} 7\n"
        "# TYPE sipalg_queue_packets gauge\n"
        "# HELP sipalg_queue_packets Packets that wait in the kernel's queue.\n"
        "sipalg_queue_packets{queue=\"5060\"} 7\n"
        "# TYPE sipalg_queue_dropped_packets counter\n"
        "# HELP sipalg_queue_dropped_packets Packets that the kernel dropped, or passed unread, at a full "
        "queue "
        "or socket.\n"
        "sipalg_queue_dropped_packets_total{queue=\"5060\"} 7\n"
        "# EOF\n");
}

TEST_CASE("O6 Prometheus' text format names counters like their samples, and has no end mark") {
    const Json status = Json::parse(R"({"version":"9.9","counters":{"rewritten":1}})");
    CHECK(metrics(status, {}, {}, MetricsFormat::prometheus) ==
          "# TYPE sipalg_build_info gauge\n"
          "# HELP sipalg_build_info Version of sipalgd.\n"
          "sipalg_build_info{version=\"9.9\"} 1\n"
          "# TYPE sipalg_messages_total counter\n"
          "# HELP sipalg_messages_total Messages by outcome.\n"
          "sipalg_messages_total{reason=\"rewritten\"} 1\n");
}

TEST_CASE("an answer without counters is an error") {
    CHECK_THROWS_AS(metrics(Json::object()), NotServing);
    CHECK_THROWS_AS(metrics(Json::array()), NotServing);
}
