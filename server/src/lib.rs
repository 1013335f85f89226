//! oms-server
