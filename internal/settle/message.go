package settle

// message is one instruction as the netted record fixes it: all that its file is made from.
type message struct {
	ID    string `json:"id"`
	Payer string `json:"payer"`
}
