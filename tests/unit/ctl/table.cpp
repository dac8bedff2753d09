#include "alg/ctl/table.hpp"

#include <doctest/doctest.h>

using sipalg::ctl::Table;

TEST_CASE("columns are as wide as their widest cell, and no blanks follow the last one") {
    Table table({"A", "LONG", "Z"});
    CHECK(table.empty());
    table.add({"wide cell", "1", "end"});
    table.add({"b", "22", ""});
    CHECK_FALSE(table.empty());
    CHECK(table.text() ==
          "A          LONG  Z\n"
          "wide cell  1     end\n"
          "b          22    -\n");
}

TEST_CASE("cells cannot contain line ends or control sequences") {
    Table table({"A", "B"});
    table.add({"x\ny\x1b[1m", "\xc2\x9b"});
    CHECK(table.text() ==
          "A              B\n"
          "x\\x0ay\\x1b[1m  \\xc2\\x9b\n");
}

TEST_CASE("columns are aligned by characters, not bytes") {
    Table table({"A", "B"});
    table.add({"J\xc3\xbcrgen", "1"});
    table.add({"Jurgen", "2"});
    CHECK(table.text() ==
          "A       B\n"
          "J\xc3\xbcrgen  1\n"
          "Jurgen  2\n");
}

TEST_CASE("O1 a table that does not fit cuts what may be cut, then leaves columns out from the right") {
    Table table({{"KEPT"}, {"LONG", 4}, {"FIRST", 0, true}, {"SECOND", 3, true}});
    table.add({"abcdef", "J\xc3\xbcrgen Meyer", "1", "2"});
    CHECK(table.text(100) == table.text());
    CHECK(table.text(25) == "KEPT    LONG  FIRST  SE..\nabcdef  J\xc3\xbc..  1      2\n");
    CHECK(table.text(19) == "KEPT    LONG  FIRST\nabcdef  J\xc3\xbc..  1\n");
    CHECK(table.text(12) == "KEPT    LONG\nabcdef  J\xc3\xbc..\n");
    CHECK(table.text(11) == "KEPT   LONG\nabc..  J\xc3\xbc..\n");
    CHECK(table.text(5) == "KEPT  LONG\nab..  J\xc3\xbc..\n");  // no less
}

TEST_CASE("O1 a very narrow terminal gets the first columns") {
    Table table({"STATE", {"PHONE", 13}, "AGE", "MEDIA", {"CALL-ID", 8}});
    table.add({"confirmed", "192.168.1.11", "6s", "audio open", "call-25059x1"});
    CHECK(table.text(50) ==
          "STATE      PHONE         AGE  MEDIA       CALL-ID\nconfirmed  192.168.1.11  6s   audio open  "
          "call-2..\n");
    CHECK(table.text(40) ==
          "STATE      PHONE         AGE  MEDIA\nconfirmed  192.168.1.11  6s   audio open\n");
    CHECK(table.text(28) == "STATE      PHONE         AGE\nconfirmed  192.168.1.11  6s\n");
    CHECK(table.text(20) == "STATE   PHONE    AGE\nconf..  192.1..  6s\n");
}

TEST_CASE("missing cells are empty, and long ones are not shortened") {
    Table table({"A", "B", "C"});
    table.add({"1"});
    const std::string id(500, 'i');
    table.add({"1", "2", id});
    CHECK(table.text() == "A  B  C\n1  -  -\n1  2  " + id + "\n");
}
