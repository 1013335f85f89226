//! `oms simulators`: stand-ins for the companies that cannot be called, as services of their own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Result;
use clap::Args;
use oms_devstack::{
    CarrierOptions, CarrierService, DataDir, FraudOptions, FraudService, Home, Listen, PaymentGateway, PaymentGatewayOptions,
};
use secrecy::SecretString;

use super::signals::stop_signal;

const GATEWAY_ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 18081);
const CARRIER_ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 18082);
const FRAUD_ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 18083);

/// `oms simulators`
#[derive(Debug, Args)]
pub struct SimulatorsArgs {
    /// Address the payment gateway listens on.
    #[arg(long, default_value_t = GATEWAY_ADDR, value_name = "ADDR")]
    gateway_addr: SocketAddr,
    /// Address the carrier listens on.
    #[arg(long, default_value_t = CARRIER_ADDR, value_name = "ADDR")]
    carrier_addr: SocketAddr,
    /// Address the fraud check listens on.
    #[arg(long, default_value_t = FRAUD_ADDR, value_name = "ADDR")]
    fraud_addr: SocketAddr,
    /// Where the carrier posts what happens to its parcels [default: nowhere; parcels stay where they are].
    #[arg(long, value_name = "URL")]
    events_url: Option<String>,
    /// Key that the carrier shows there; of role carrier.
    #[arg(long, env = "OMS_EVENTS_KEY", hide_env_values = true, value_name = "KEY")]
    events_key: Option<SecretString>,
    /// How much faster than real they are: with 3600 a parcel arrives within a minute.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    time_scale: u32,
    /// Folder that keeps what they remember [default: they remember nothing].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl SimulatorsArgs {
    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// When an address is taken, or what they remember cannot be read.
    pub async fn run(self) -> Result<()> {
        let stop = stop_signal()?;
        let home = Home::open(&self.data_dir.map_or(DataDir::Ephemeral, DataDir::Kept)).await?;
        let time_scale = self.time_scale;
        let gateway = PaymentGateway::start(&home, &PaymentGatewayOptions { listen: Listen::At(self.gateway_addr), time_scale })?;
        let carrier =
            CarrierOptions { listen: Listen::At(self.carrier_addr), time_scale, events_url: self.events_url, events_key: self.events_key };
        let carrier = CarrierService::start(&home, &carrier)?;
        let fraud = FraudService::start(&FraudOptions { listen: Listen::At(self.fraud_addr) })?;
        tracing::info!(gateway.url = gateway.url(), carrier.url = carrier.url(), fraud.url = fraud.url(), "the simulators listen");
        stop.await;
        fraud.stop().await?;
        carrier.stop().await?;
        gateway.stop().await?;
        tracing::info!("the simulators have stopped");
        Ok(())
    }
}
