// Second pass: substitutes variables in string values (never in keys), then converts numbers and booleans where
// required.
#pragma once

#include <vector>

#include "compose/internal/reporter.hpp"
#include "compose/template.hpp"

namespace consort::compose {

struct VariableSighting {
  TemplateUse use;
  std::string path;
  Place place;
};

struct InterpolateOptions {
  Lookup lookup;
  std::vector<VariableSighting>* sightings = nullptr;  // filled when given
};

void interpolate(Node& root, const InterpolateOptions& options, Reporter& reporter);

}  // namespace consort::compose
