//! oms-workflows
