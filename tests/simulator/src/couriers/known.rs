//! The couriers that are known by name, most likely first. Several have numbers that look alike.

use serde_json::json;

use super::TEST_COURIER;
use super::courier::Courier;

/// The couriers that an account has activated by default.
pub(crate) const ACTIVATED: [&str; 14] = [
    TEST_COURIER,
    "ups",
    "fedex",
    "usps",
    "dhl",
    "amazon",
    "royal-mail",
    "hong-kong-post",
    "china-ems",
    "japan-post",
    "dhl-germany",
    "postnl-3s",
    "ups-api",
    "dhl-api",
];

/// Slug, name, patterns of numbers, web site, and what else there is: `also` another name, `from` a
/// region, `speaks` languages, `needs` and `takes` additional fields, `keys` credentials, of which
/// those with a question mark are optional.
const KNOWN: &str = "\
testing-courier|Testing Courier|ITD-*||
ups|UPS|1Z*16|www.ups.com|phone=+1 800 742 5877
fedex|FedEx|#12|www.fedex.com|phone=+1 800 463 3339
usps|USPS|#20 #21 #22 @2#9US|www.usps.com|also=United States Postal Service;from=USA
dhl|DHL Express|#10|www.dhl.com|also=DHL International;speaks=en,de,fr,es,zh-Hans
amazon|Amazon Logistics|TBA#12|track.amazon.com|
royal-mail|Royal Mail|@2#9GB|www.royalmail.com|phone=+44 3457 740740;from=GBR
hong-kong-post|Hong Kong Post|@2#9HK|www.hongkongpost.hk|also=香港郵政;speaks=en,zh-Hant;from=HKG
china-ems|China EMS (ePacket)|@2#9CN|www.ems.com.cn|also=中国邮政速递物流;speaks=zh-Hans,en;from=CHN
japan-post|Japan Post|@2#9JP|www.post.japanpost.jp|also=日本郵便;from=JPN
dhl-germany|Deutsche Post DHL|JJD#15 JJD#16 JJD#17 JJD#18|www.dhl.de|speaks=de,en;from=DEU
postnl-3s|PostNL International 3S|3S*11|jouw.postnl.nl|needs=destination_postal_code,destination_country_region;from=NLD
ups-api|UPS (API)|1Z*16|www.ups.com|keys=client_id,client_secret,account_number?
dhl-api|DHL (API)|#10|www.dhl.com|keys=api_key
fedex-api|FedEx (API)|#12 #15|www.fedex.com|keys=key,password,account_number
fedex-freight|FedEx Freight|#9|www.fedex.com|from=USA,CAN,MEX
sf-express|S.F. Express|#12 SF#13|www.sf-express.com|also=顺丰速运;needs=customers[x].phone_number;takes=tracking_key
taqbin-jp|Yamato Japan|#12|www.kuronekoyamato.co.jp|also=ヤマト運輸, TA-Q-BIN;from=JPN
sagawa|Sagawa|#12|www.sagawa-exp.co.jp|also=佐川急便;from=JPN
toll-ipec|Toll IPEC|#10 #11 #12|www.tollgroup.com|from=AUS
gls|GLS|#11 #12|gls-group.eu|takes=destination_postal_code
dpd|DPD|#14|www.dpd.com|
dpd-uk|DPD UK|#10 #14|www.dpd.co.uk|needs=destination_postal_code;from=GBR
tnt|TNT|#9|www.tnt.com|
hermes-uk|Evri|#16|www.evri.com|also=Hermes UK;from=GBR
canada-post|Canada Post|#16 @2#9CA|www.canadapost-postescanada.ca|also=Postes Canada;speaks=en,fr-CA;from=CAN;keys=username,password
cj-korea|CJ Logistics|#10 #12|www.cjlogistics.com|also=CJ대한통운;from=KOR
fastway-au|Aramex Australia|@2#10|www.aramex.com.au|also=Fastway Couriers;from=AUS
asendia-usa|Asendia USA|#20 #21 #22|www.asendiausa.com|from=USA
yodel|Yodel Domestic|JD#16|www.yodel.co.uk|takes=destination_postal_code;from=GBR
arrowxl|ArrowXL|#8|www.arrowxl.co.uk|needs=destination_postal_code;from=GBR
geodis-espace|GEODIS - Distribution & Express|#8 #9|espace-client.geodis.com|needs=tracking_ship_date,destination_postal_code;from=FRA";

/// All of them.
pub(super) fn couriers() -> impl Iterator<Item = Courier> {
    KNOWN.lines().filter_map(|line| {
        let mut cells = line.split('|');
        let mut cell = || cells.next();
        let (slug, name, patterns, site, more) = (cell()?, cell()?, cell()?, cell()?, cell()?);
        let value = |name: &str| {
            more.split(';').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let list = |name| value(name).map_or(Vec::new(), |list| list.split(',').collect());
        let web_url = Some(format!("https://{site}")).filter(|_| !site.is_empty());
        let languages = if value("speaks").is_some() { list("speaks") } else { vec!["en"] };
        let keys = list("keys").into_iter().map(|key| {
            let bare = key.trim_end_matches('?');
            json!({"name": bare, "type": "string", "required": bare == key})
        });
        let text = json!({
            "slug": slug,
            "name": name,
            "phone": value("phone"),
            "other_name": value("also"),
            "web_url": web_url,
            "required_fields": list("needs"),
            "optional_fields": list("takes"),
            "default_language": languages.first(),
            "support_languages": languages,
            "service_from_country_regions": list("from"),
            "credentials": value("keys").map(|_| json!({"fields": keys.collect::<Vec<_>>()})),
        });
        let link = web_url.map_or_else(String::new, |web_url| format!("{web_url}/track?number="));
        let courier = Courier::read(&text.to_string()).ok()?;
        Some(Courier { link, patterns: Some(patterns), ..courier })
    })
}
