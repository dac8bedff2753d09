// The outcome of an operation that can fail: a value, or the error.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace sipalg {

/// A failed Result: `return Failure{"reason"};`. Converts to any Result with that type of error.
template <class Error = std::string>
struct Failure {
    Error error;
};
template <class Error>
Failure(Error) -> Failure<Error>;
Failure(const char*)->Failure<std::string>;

/// A value or an error. Converts to true if there is a value. The caller must not discard it.
template <class Value = void, class Error = std::string>
class [[nodiscard]] Result {
  public:
    Result(Value value) : content_(std::in_place_index<0>, std::move(value)) {}
    template <class Given>
    Result(Failure<Given> failure) : content_(std::in_place_index<1>, std::move(failure.error)) {}

    explicit operator bool() const { return content_.index() == 0; }
    /// Precondition: success.
    const Value& operator*() const { return std::get<0>(content_); }
    Value& operator*() { return std::get<0>(content_); }
    const Value* operator->() const { return &std::get<0>(content_); }
    /// Precondition: failure.
    const Error& error() const { return std::get<1>(content_); }

  private:
    std::variant<Value, Error> content_;
};

/// Success or an error. A default-constructed Result is a success.
template <class Error>
class [[nodiscard]] Result<void, Error> {
  public:
    Result() = default;
    template <class Given>
    Result(Failure<Given> failure) : error_(std::move(failure.error)) {}

    explicit operator bool() const { return !error_; }
    /// Precondition: failure.
    const Error& error() const { return error_.value(); }

  private:
    std::optional<Error> error_;
};

}  // namespace sipalg
