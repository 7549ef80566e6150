package source

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// codePage857 is the Turkish code page of DOS (IBM 857), in which programs of its
// time still export. golang.org/x/text does not have it.
var codePage857 = []rune("ÇüéâäàåçêëèïîıÄÅÉæÆôöòûùİÖÜø£ØŞşáíóúñÑĞğ¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐" +
	"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ºªÊËÈ\ufffdÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµ\ufffd×ÚÛÙìÿ¯´\u00ad±\ufffd¾¶§÷¸°¨·¹³²■\u00a0")

// cp857 decodes it.
type cp857 struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (cp857) Transform(dst, src []byte, _ bool) (written, read int, err error) {
	for _, octet := range src {
		r := rune(octet)
		if octet >= utf8.RuneSelf {
			r = codePage857[octet-utf8.RuneSelf]
		}
		if written+utf8.RuneLen(r) > len(dst) {
			return written, read, transform.ErrShortDst
		}
		written += utf8.EncodeRune(dst[written:], r)
		read++
	}
	return written, read, nil
}

func newCP857() *encoding.Decoder { return &encoding.Decoder{Transformer: cp857{}} }
