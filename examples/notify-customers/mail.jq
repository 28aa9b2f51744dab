. as $tracking
| (.customers // [])[]
| select(.email)
| "To: \(.email)
Subject: \($tracking.title // $tracking.tracking_number): \($tracking.subtag_message)
Stage: \($tracking.tag)

Dear \(.name // "customer"), your parcel \($tracking.tracking_number) is now: \($tracking.subtag_message).
"
