#include "engine/boot.hpp"

#include <array>

#include "base/sqlite/database.hpp"
#include "engine/records/records.hpp"
#include "image/store.hpp"
#include "supervisor/client.hpp"
#include "supervisor/hold.hpp"

namespace consort::engine {

struct Boot::Impl {
  Impl(Roots the_roots, Database the_database)
      : roots(std::move(the_roots)), database(std::move(the_database)), records(database) {}
  Roots roots;
  Database database;
  Records records;
  std::shared_ptr<supervisor::Patience> patience = std::make_shared<supervisor::Patience>();
};

Boot::Boot(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Boot::Boot(Boot&&) noexcept = default;
Boot& Boot::operator=(Boot&&) noexcept = default;
Boot::~Boot() = default;

Result<Boot> Boot::open(const Roots& roots) {
  const image::Store store = TRY(image::Store::open(roots));
  return Boot(std::make_unique<Impl>(roots, store.database()));
}

namespace {

Result<std::optional<ContainerState>> last_known(const Roots& roots, const Container& container,
                                                 const std::shared_ptr<supervisor::Patience>& patience) {
  const std::array<std::string, 1> ids{container.id};
  auto states = TRY(supervisor::observe(roots, container.project, ids, patience));
  const auto found = states.find(container.id);
  if (found == states.end()) return std::optional<ContainerState>{};
  return std::optional<ContainerState>(std::move(found->second));
}

Result<bool> ever_ran(const Roots& roots, const Container& container,
                      const std::shared_ptr<supervisor::Patience>& patience) {
  const auto state = TRY(last_known(roots, container, patience));
  return state && state->started_at.has_value();
}

Result<bool> is_cut_short(const Roots& roots, const ContainerRecord& record,
                          const std::shared_ptr<supervisor::Patience>& patience) {
  if (!record.spec.auto_remove || record.wanted != Wanted::running) return false;
  if (supervisor::is_held(roots.container(record.summary.id))) return false;
  const auto state = TRY(last_known(roots, record.summary, patience));
  return !state || !state->has_process();
}

Result<> for_each_container(Records& records, const Boot::OnTrouble& tell,
                            const std::function<Result<>(const ContainerRecord&)>& look) {
  for (const std::string& id : TRY(records.container_ids())) {
    Result<ContainerRecord> record = records.load_container(id);
    Result<> looked = record ? look(*record) : Result<>(fail(std::move(record).error()));
    if (looked || looked.error().code() == Code::not_found) continue;  // removed meanwhile
    tell(std::move(looked).error().wrap("look at container", id.substr(0, 12)));
  }
  return {};
}

}  // namespace

Result<std::map<std::string, std::set<std::string>>> Boot::to_bring_back(const OnTrouble& tell) {
  std::map<std::string, std::set<std::string>> ids;
  TRY(for_each_container(impl_->records, tell, [&](const ContainerRecord& record) -> Result<> {
    const RestartMode mode = record.spec.restart.mode;
    const bool wanted = record.wanted == Wanted::running;
    if (mode != RestartMode::always && !(mode == RestartMode::unless_stopped && wanted)) return {};
    if (wanted || TRY(ever_ran(impl_->roots, record.summary, impl_->patience)))
      ids[record.summary.project].insert(record.summary.id);
    return {};
  }));
  return ids;
}

Result<std::vector<std::string>> Boot::to_remove(const OnTrouble& tell) {
  std::vector<std::string> ids;
  TRY(for_each_container(impl_->records, tell, [&](const ContainerRecord& record) -> Result<> {
    if (TRY(is_cut_short(impl_->roots, record, impl_->patience))) ids.push_back(record.summary.id);
    return {};
  }));
  return ids;
}

Result<> shut_down_project(const Roots& roots, const std::string& project) {
  (void)TRY(supervisor::revive_supervisor(roots, project));
  return supervisor::Client(roots, project).shutdown();
}

}  // namespace consort::engine
