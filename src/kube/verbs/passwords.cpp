#include "kube/passwords.hpp"

#include <map>
#include <memory>
#include <set>

#include "image/stored_login.hpp"
#include "kube/kinds.hpp"
#include "kube/manifests.hpp"

namespace consort::kube {

Result<PasswordOf> passwords_for(Session& session) {
  // A user who is not logged in must not remove other users' logins, and neither must an overloaded server.
  auto there = session.client.get(path_of("v1", "Secret", session.space, pull_secret(session.project_name)));
  if (!there && there.error().code() != Code::not_found) return fail(std::move(there).error());
  auto known = std::make_shared<std::map<std::string, std::string>>();
  if (there) *known = passwords_of(*there);
  auto asked = std::make_shared<std::set<std::string>>();
  return [known, asked, &session](const std::string& registry) -> Result<std::string> {
    std::string& password = (*known)[registry];
    if (!asked->insert(registry).second) return password;
    image::RegistryOptions options;
    options.warn = [&session](const std::string& text) { session.progress.warn(text); };
    // A login that cannot be read causes a warning and is treated as missing.
    const auto login = TRY(image::stored_login(registry, options, session.cancel.token()));
    if (login) password = login->username + ":" + login->password;
    return password;
  };
}

}  // namespace consort::kube
