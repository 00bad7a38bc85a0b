#include "kube/verbs.hpp"
#include "kube/verbs/look.hpp"
#include "kube/verbs/space.hpp"

namespace consort::kube {

namespace {

using project::Outlook;

void tell(Session& session, const std::string& id, const char* status) {
  const bool done = std::string_view(status) == "Removed";
  session.progress.event({.id = id, .status = status, .outlook = done ? Outlook::done : Outlook::working});
}

bool is_claim(const ObjectKey& key) {
  return key.first == claim_kind;
}

Result<> remove_claims(Session& session, const std::map<ObjectKey, Seen>& seen) {
  for (const auto& [key, each] : seen)
    if (is_claim(key)) TRY(session.client.remove(each.path));
  TRY(wait_until_gone(session, path_of("v1", claim_kind, session.space),
                      {{"labelSelector", project_selector(session.project_name)}}, {}));
  for (const auto& [key, each] : seen)
    if (is_claim(key)) tell(session, std::string(claim_kind) + " " + key.second, "Removed");
  return {};
}

Result<bool> remove_everything(Session& session, const DownOptions& options) {
  auto seen = TRY(look(session));
  if (!options.volumes) std::erase_if(seen, [](const auto& each) { return is_claim(each.first); });
  const bool trial = session.trial == Trial::yes;
  for (const Kind& kind : project_kinds())
    for (const auto& [key, each] : seen) {
      if (key.first != kind.name || !each.path.starts_with(kind.path)) continue;
      if (is_claim(key) && !trial) continue;  // removed below, when no pod uses it any more
      if (!trial) TRY(session.client.remove(each.path));
      tell(session, key.first + " " + key.second, "Removed");
    }
  // An interrupted `down` may have left pods behind.
  if (!trial) TRY(remove_pods(session, project_selector(session.project_name)));
  if (!trial && options.volumes) TRY(remove_claims(session, seen));
  const bool space = options.volumes && TRY(remove_space(session));
  return !seen.empty() || space;
}

}  // namespace

Result<bool> take_down(Session& session, const DownOptions& options) {
  session.progress.begin("Running");
  auto outcome = remove_everything(session, options);
  session.progress.finish();
  return outcome;
}

}  // namespace consort::kube
