//! What is compiled is proved: every golden site meets its obligations.

use std::collections::BTreeMap;
use std::fs;

use overlapc::read::artifacts;
use overlapc::verify::verify;

use crate::bench::repository;
