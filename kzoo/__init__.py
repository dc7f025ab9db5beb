"""kzoo"""
