// Lists what a project would start: services in the order of their dependencies, with images and host ports.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "compose/compose.hpp"

namespace compose = consort::compose;

int main(int argc, char** argv) {
  compose::LoadOptions options;
  options.working_directory = std::filesystem::absolute(argc > 1 ? argv[1] : ".").lexically_normal();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) options.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }

  const compose::LoadOutcome outcome = compose::load(options);
  std::cerr << compose::render_diagnostics(outcome.diagnostics, compose::Colour::never);  // warnings, too
  if (!outcome.project) return 1;

  std::cout << "project " << outcome.project->name << "\n";
  for (const std::string& name : compose::dependency_order(*outcome.project)) {
    const compose::Service& service = outcome.project->services.at(name);
    const consort::Mark place = outcome.project->locate({"services", name});
    std::cout << name << " (line " << place.line << "): " << (service.build ? "is built" : service.image);
    for (const compose::Port& port : service.ports)
      if (!port.published.empty()) std::cout << ", port " << port.published;
    std::cout << "\n";
  }
  return 0;
}
