#include "project/exec/loaded_project.hpp"

#include <cstdlib>

namespace consort::project {

compose::Project& loaded_project(Session& session) {
  if (!session.project) std::abort();
  return *session.project;
}

const compose::Project& loaded_project(const Session& session) {
  if (!session.project) std::abort();
  return *session.project;
}

}  // namespace consort::project
