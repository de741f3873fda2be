"""Notices: e-mail and text messages to people outside, written down first and sent by a worker.

    models.py   a notice and its states; who wants none
    words.py    the templates, Korean and English
    ways.py     the mail server and the SMS service behind one interface
    sending.py  due notices sent once, tried again, given up
    stopping.py "send me no more": the address in each e-mail

Who is told what is decided elsewhere (`orders.telling`): this package knows no orders.
"""
