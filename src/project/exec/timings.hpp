// What each service of an `up` took, and what it waited for: collected while plans are carried out, for --timings.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

struct RunDetail;
struct Session;
struct UpOptions;

using Moment = std::chrono::steady_clock::time_point;

class Timings {
 public:
  explicit Timings(Moment begin = std::chrono::steady_clock::now()) : begin_(begin) {}

  enum class Phase : std::uint8_t {
    image,    // it was pulled or built
    waiting,  // for what it depends on
    start,    // containers were made (removed, renamed, ...) and started, hooks ran
    ready,    // its containers ran, and became healthy or ended
  };
  struct Span {
    Phase phase;
    Moment from, to;
  };
  struct Service {
    std::string name;
    std::vector<Span> spans{};         // in the order of their beginning
    std::string waited_for{};          // the dependency that came last: "db"; "": nothing kept it
    std::optional<Awaited> awaited{};  // none: that it was started
    std::optional<Moment> started{}, ready{};
  };

  // One thread, before the plan is carried out.
  void begin(const Plan& plan);
  // Any thread: an operation of that plan was carried out.
  void note(const Operation& operation, Moment from, Moment to);

  Moment beginning() const { return begin_; }
  std::vector<Service> services() const;  // in the order in which they were started; those that were left alone not

 private:
  struct Done {
    Phase phase;
    std::string service;
    bool keeps_others = false;  // who depends on the service may have waited for it
    std::optional<Awaited> awaited;
    Moment from, to;
  };
  std::optional<std::size_t> last_need(const Operation& operation) const;

  Moment begin_;
  mutable std::mutex mutex_;
  std::vector<std::vector<OperationId>> needs_;  // of the plan at work, by id
  std::map<OperationId, std::size_t> by_id_;     // likewise: what is in done_
  std::vector<Done> done_;
  std::map<std::string, std::size_t> kept_by_;  // a service, and what in done_ its start waited for
};

// execute() (exec/session.hpp) and bring_up() (verbs/up.hpp), with each operation noted.
Result<> execute_timed(Session& session, const Plan& plan, std::string_view title, const RunDetail& detail,
                       Timings& timings);
Result<> bring_up_timed(Session& session, const UpOptions& options, Timings& timings);

}  // namespace consort::project
