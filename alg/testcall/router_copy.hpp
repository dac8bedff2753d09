// A copy of the router in a network namespace, joined to two more: one is the phone, the other the outside.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alg/testcall/namespace.hpp"
#include "alg/testcall/program.hpp"
#include "alg/testcall/router.hpp"
#include "alg/testcall/ruleset_text.hpp"

namespace sipalg::testcall {

/// Everything goes with the object. The two interfaces that the call uses are joined to the other namespaces;
/// all others have the same name and addresses, and lead nowhere.
class RouterCopy {
  public:
    /// `table`: the one of sipalgd, which is not copied. Throws std::runtime_error if there can be no call.
    RouterCopy(const Interrupts& interrupts, const Router& router, const Ends& ends,
               const std::string& table);

    const Namespace& router() const { return router_; }
    const Namespace& phone() const { return phone_; }
    const Namespace& provider() const { return provider_; }
    /// A sentence for each part that differs from the router.
    const std::vector<std::string>& not_copied() const { return not_copied_; }
    /// Its ruleset as text, without counters.
    std::string ruleset() const;

  private:
    void batch(const Namespace& where, std::string_view family, const std::vector<std::string>& lines);
    void copy_settings(const Router& router);
    void copy_interfaces(const Router& router, const Ends& ends);
    void copy_routes(const Router& router);
    void connect_ends(const Ends& ends);
    void copy_tables(const std::string& own);
    void copy_table(const TableText& table);
    bool copy_by_iptables(const std::string& family, const std::string& table);
    void copy_legacy();

    const Interrupts& interrupts_;
    Namespace router_, phone_, provider_;
    Namespace nowhere_;  ///< has the far ends of all other interfaces
    std::vector<std::string> not_copied_;
};

}  // namespace sipalg::testcall
