// The outcome of something that can fail: a value, or why there is none.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace sipalg {

/// Makes a Result that failed: `return Failure{"why"};`. Converts to any Result with such an error.
template <class Error = std::string>
struct Failure {
    Error error;
};
template <class Error>
Failure(Error) -> Failure<Error>;
Failure(const char*)->Failure<std::string>;

/// A value, or the error that prevented it. True: there is a value. Can't be ignored by accident.
template <class Value = void, class Error = std::string>
class [[nodiscard]] Result {
  public:
    Result(Value value) : content_(std::in_place_index<0>, std::move(value)) {}
    template <class Given>
    Result(Failure<Given> failure) : content_(std::in_place_index<1>, std::move(failure.error)) {}

    explicit operator bool() const { return content_.index() == 0; }
    /// Only of a success.
    const Value& operator*() const { return std::get<0>(content_); }
    Value& operator*() { return std::get<0>(content_); }
    const Value* operator->() const { return &std::get<0>(content_); }
    /// Only of a failure.
    const Error& error() const { return std::get<1>(content_); }

  private:
    std::variant<Value, Error> content_;
};

/// Success, or an error; a default Result is a success.
template <class Error>
class [[nodiscard]] Result<void, Error> {
  public:
    Result() = default;
    template <class Given>
    Result(Failure<Given> failure) : error_(std::move(failure.error)) {}

    explicit operator bool() const { return !error_; }
    /// Only of a failure.
    const Error& error() const { return error_.value(); }

  private:
    std::optional<Error> error_;
};

}  // namespace sipalg
