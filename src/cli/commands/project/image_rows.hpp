// Images as `images` prints them, for this machine and for clusters.
#pragma once

#include <string>
#include <vector>

#include "cli/invocation.hpp"
#include "engine/images.hpp"

namespace consort::cli {

struct ImageRow {
  std::string container;
  image::Image image;
  std::string repository = "<none>", tag = "<none>";
};
void set_name(ImageRow& row, const std::string& name);

Result<int> print_image_rows(const Invocation& invocation, const std::vector<ImageRow>& rows);

}  // namespace consort::cli
